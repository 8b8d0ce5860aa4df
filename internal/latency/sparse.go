package latency

// Sparse adds up encoded histograms in memory that follows the range of their non-empty
// buckets. The sum is exact, and the same in whatever order they are added. The zero value
// is empty and ready; it is not safe for concurrent use.
type Sparse struct {
	pages []*page
	carry map[int32]int64 // what of a count is beyond 32 bits
}

// page holds the counts of neighboring buckets. Pages without a count are nil.
type page [1 << pageShift]uint32

const pageShift = 6

// Collect adds a histogram that [Histogram.Encode] or [Histogram.EncodePlain] wrote to s. A
// histogram of another configuration is an error: its buckets are not those of s. After an
// error s is unchanged.
func (c *BandCounter) Collect(code string, s *Sparse) error {
	c.buckets, c.counts = c.buckets[:0], c.counts[:0]
	if err := c.each([]byte(code), func(bucket, count int64) {
		c.buckets, c.counts = append(c.buckets, int32(bucket)), append(c.counts, count)
	}); err != nil {
		return err
	}
	s.AddBuckets(c.buckets, c.counts)
	return nil
}

// AppendBuckets appends the buckets of such a histogram that are not empty, in ascending
// order, and the count of each. After an error both are as they were.
func (c *BandCounter) AppendBuckets(code []byte, buckets []int32, counts []int64) ([]int32, []int64, error) {
	b, n := buckets, counts
	if err := c.each(code, func(bucket, count int64) {
		b, n = append(b, int32(bucket)), append(n, count)
	}); err != nil {
		return buckets, counts, err
	}
	return b, n, nil
}

// AddBuckets adds buckets that [BandCounter.AppendBuckets] returned, each with its count.
func (s *Sparse) AddBuckets(buckets []int32, counts []int64) {
	for i, bucket := range buckets {
		s.add(bucket, counts[i])
	}
}

func (s *Sparse) add(bucket int32, n int64) {
	at := int(bucket >> pageShift)
	if at >= len(s.pages) {
		s.pages = append(s.pages, make([]*page, at+1-len(s.pages))...)
	}
	p := s.pages[at]
	if p == nil {
		p = new(page)
		s.pages[at] = p
	}
	count := &p[bucket&(1<<pageShift-1)]
	sum := int64(*count) + n
	*count = uint32(sum)
	if more := sum &^ (1<<32 - 1); more != 0 {
		if s.carry == nil {
			s.carry = map[int32]int64{}
		}
		s.carry[bucket] += more
	}
}

// Add adds everything in o to s.
func (s *Sparse) Add(o *Sparse) { o.each(s.add) }

// each calls fn for every bucket that is not empty, in ascending order.
func (s *Sparse) each(fn func(bucket int32, n int64)) {
	for at, p := range s.pages {
		if p == nil {
			continue
		}
		for i, n := range p {
			bucket := int32(at<<pageShift | i)
			sum := int64(n)
			if len(s.carry) > 0 {
				sum += s.carry[bucket]
			}
			if sum > 0 {
				fn(bucket, sum)
			}
		}
	}
}

// Exact is what is known of values besides the buckets that they are in.
type Exact struct {
	Min, Max, Overflow int64
	Total
}

// Total is a sum of values. The zero value is that of none.
type Total struct {
	sum     int64
	wide    float64
	rounded bool
}

// Add adds a sum that is exact.
func (t *Total) Add(sum int64) {
	t.sum += sum
	t.wide += float64(sum)
}

// AddRounded adds a sum that is not.
func (t *Total) AddRounded(sum float64) {
	t.wide += sum
	t.rounded = true
}

// Merge adds what o has.
func (t *Total) Merge(o Total) {
	t.sum += o.sum
	t.wide += o.wide
	t.rounded = t.rounded || o.rounded
}

// Into makes h the histogram of everything that was added. Its standard deviation is that
// of the middles of the buckets.
func (s *Sparse) Into(h *Histogram, e Exact) {
	h.Reset()
	s.each(func(bucket int32, n int64) {
		from, to := bucketStart(int64(bucket)), bucketStart(int64(bucket)+1)-1
		if h.h.RecordValues(from, n) != nil {
			h.overflow += n // beyond the range, where no encoded histogram has a count
		}
		middle := float64(from)/2 + float64(to)/2
		h.count += n
		h.sumSq += middle * middle * float64(n)
	})
	h.count += e.Overflow
	h.overflow += e.Overflow
	if h.count > 0 {
		h.min, h.max, h.sum, h.wide, h.rounded = e.Min, e.Max, e.sum, e.wide, e.rounded
	}
}
