package latency

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// Bands is the number of bands of latency, which cover the range of a [Histogram]. An
// octave has four bands, and every bucket of a histogram lies in one band, so counting
// by band loses no job and moves none.
const Bands = 4 * 41

// BandOf is the band of a duration in nanoseconds, from 0 to Bands-1.
func BandOf(ns int64) int {
	if ns < 4 {
		return int(max(0, ns))
	}
	octave := bits.Len64(uint64(ns)) - 1
	return min(4*(octave-1)+int(ns>>(octave-2))&3, Bands-1)
}

// BandStart is the shortest duration of a band in nanoseconds. The end of the last
// band is BandStart(Bands).
func BandStart(band int) int64 {
	if band < 4 {
		return int64(band)
	}
	octave := band/4 + 1
	return int64(4+band%4) << (octave - 2)
}

// BandCounter adds up encoded histograms by band. It reads them without building a
// [Histogram], in tens of microseconds each. The zero value is ready; it is not safe for concurrent
// use.
type BandCounter struct {
	packed  []byte
	source  bytes.Reader
	inflate io.ReadCloser
	payload bytes.Buffer
	buckets []int32 // reused by Collect
	counts  []int64
}

const (
	packedCookie  = 0x1c849304 | 0x10
	plainCookie   = 0x1c849303 | 0x10
	headerLength  = 40
	longestNumber = 9 // bytes of a count
	// Half the sub-buckets, as a power of two: from the second octave of buckets on,
	// each holds so many.
	halfShift = 10
)

// errForm is the error of a histogram that another configuration wrote.
var errForm = errors.New("decode histogram: another configuration")

// Add adds the counts of a histogram that [Histogram.Encode] wrote to counts, by band.
// After an error, counts is unchanged.
func (c *BandCounter) Add(code string, counts *[Bands]int64) error {
	var sum [Bands]int64
	err := c.read(code, &sum)
	if errors.Is(err, errForm) { // Decode brings it into ours
		var h *Histogram
		if h, err = Decode(code); err == nil {
			for _, b := range h.Buckets() {
				sum[BandOf(b.From)] += b.Count
			}
		}
	}
	if err != nil {
		return err
	}
	for i, n := range sum {
		counts[i] += n
	}
	return nil
}

func (c *BandCounter) read(code string, sum *[Bands]int64) error {
	return c.each([]byte(code), func(bucket, count int64) { sum[BandOf(bucketStart(bucket))] += count })
}

// each calls fn for every bucket that is not empty, in ascending order.
func (c *BandCounter) each(code []byte, fn func(bucket, count int64)) error {
	var err error
	if c.packed, err = base64.StdEncoding.AppendDecode(c.packed[:0], code); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	plain := c.packed
	if len(plain) < 8 {
		return errForm
	}
	if binary.BigEndian.Uint32(plain) == packedCookie {
		body := plain[8:]
		if n := binary.BigEndian.Uint32(plain[4:]); uint64(n) <= uint64(len(body)) {
			body = body[:n]
		}
		if err := c.inflated(body); err != nil {
			return fmt.Errorf("decode histogram: %w", err)
		}
		plain = c.payload.Bytes()
		if len(plain) < headerLength {
			return errors.New("decode histogram: it is cut off")
		}
	}
	if binary.BigEndian.Uint32(plain) != plainCookie {
		return errForm
	}
	if len(plain) < headerLength {
		return errors.New("decode histogram: it is cut off")
	}
	head, payload := plain[:headerLength], plain[headerLength:]
	if int32(binary.BigEndian.Uint32(head[12:])) != Digits || int64(binary.BigEndian.Uint64(head[16:])) != Lowest || int64(binary.BigEndian.Uint64(head[24:])) != Highest {
		return errForm
	}
	if int64(int32(binary.BigEndian.Uint32(head[4:]))) != int64(len(payload)) {
		return errors.New("decode histogram: it is cut off")
	}
	return addUp(payload, fn)
}

// inflated reads the compressed part. It bounds what it reads: a few bytes can inflate
// to gigabytes.
func (c *BandCounter) inflated(body []byte) error {
	c.source.Reset(body)
	c.payload.Reset()
	var err error
	if c.inflate == nil {
		c.inflate, err = zlib.NewReader(&c.source)
	} else {
		err = c.inflate.(zlib.Resetter).Reset(&c.source, nil)
	}
	if err != nil {
		return err
	}
	const most = headerLength + longestNumber*(bucketCount+1)
	_, err = io.Copy(&c.payload, io.LimitReader(c.inflate, most))
	return err
}

// bucketCount is the number of buckets of a histogram.
const bucketCount = 33 << halfShift

// addUp reads the counts of the buckets: numbers in zigzag LEB128 form, of which a
// negative one stands for as many empty buckets.
func addUp(payload []byte, fn func(bucket, count int64)) error {
	bucket := int64(0)
	for len(payload) > 0 {
		v, n := zigzag(payload)
		if n == 0 {
			return errors.New("decode histogram: a count is cut off")
		}
		payload = payload[n:]
		if v < 0 {
			if v < -bucketCount {
				return errors.New("decode histogram: it has too many buckets")
			}
			bucket -= v
			continue
		}
		if bucket >= bucketCount {
			return errors.New("decode histogram: it has too many buckets")
		}
		if v > 0 {
			fn(bucket, v)
		}
		bucket++
	}
	return nil
}

// bucketStart is the shortest duration in a bucket of a histogram.
func bucketStart(bucket int64) int64 {
	octave := bucket>>halfShift - 1
	if octave < 0 {
		return bucket
	}
	return (bucket&(1<<halfShift-1) + 1<<halfShift) << octave
}

// zigzag reads one number of at most nine bytes, of which the ninth has eight bits. The
// length is 0 where the number is cut off.
func zigzag(b []byte) (v int64, length int) {
	var u uint64
	for i := range min(len(b), longestNumber) {
		if i == longestNumber-1 {
			u |= uint64(b[i]) << 56
			return unzigzag(u), i + 1
		}
		u |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return unzigzag(u), i + 1
		}
	}
	return 0, 0
}

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// appendZigzag appends a number as [zigzag] reads it.
func appendZigzag(b []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for range longestNumber - 1 {
		if u < 0x80 {
			return append(b, byte(u))
		}
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}

// bucketOf is the bucket that holds a duration.
func bucketOf(ns int64) int64 {
	if ns < 1<<halfShift {
		return ns
	}
	octave := int64(bits.Len64(uint64(ns)) - halfShift - 1)
	return (octave+1)<<halfShift | (ns>>octave - 1<<halfShift)
}

// EncodePlain is the histogram in HdrHistogram's V2 form without compression, in base64. It
// is read many times as fast as that of [Histogram.Encode], and is about as long where few
// buckets have a count. Overflow is not part of it.
func (h *Histogram) EncodePlain() string {
	b := make([]byte, headerLength, 512)
	next := int64(0)
	h.Each(func(one Bucket) {
		bucket := bucketOf(one.From)
		if empty := bucket - next; empty == 1 {
			b = append(b, 0)
		} else if empty > 1 {
			b = appendZigzag(b, -empty)
		}
		b = appendZigzag(b, one.Count)
		next = bucket + 1
	})
	binary.BigEndian.PutUint32(b, plainCookie)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-headerLength))
	binary.BigEndian.PutUint32(b[12:], Digits)
	binary.BigEndian.PutUint64(b[16:], uint64(Lowest))
	binary.BigEndian.PutUint64(b[24:], uint64(Highest))
	binary.BigEndian.PutUint64(b[32:], math.Float64bits(1))
	return base64.StdEncoding.EncodeToString(b)
}
