package worker

import "slices"

// LastFailure is the job that failed last of those that were published as FAILED;
// it is zero when none did. It may be asked while the pool runs.
func (p *Pool) LastFailure() Failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// Unpublished are the ids of the jobs that were worked on and not published, as
// many as [Tally] counts, and the last reason why not. Ask after Run.
func (p *Pool) Unpublished() (jobs []string, because error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.kept), p.because
}

// blame notes that a job was published as FAILED.
func (p *Pool) blame(f Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = f
}

// refuse notes that the queue refuses what the pool needs, and ends the taking of
// jobs.
func (p *Pool) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusal == nil {
		p.refusal = err
	}
	p.enough()
}

// keep notes that the outcome of a job could not be published.
func (p *Pool) keep(job string, because error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, job)
	if because != nil {
		p.because = because
	}
	p.unpublished.Add(1)
}

// lose notes that one more consumer cannot reach the queue.
func (p *Pool) lose(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away++; p.away == 1 && p.Outage != nil {
		p.Outage(err)
	}
}

// regain notes that one of them can again.
func (p *Pool) regain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away--; p.away == 0 && p.Outage != nil {
		p.Outage(nil)
	}
}

// channelOf is the channel on which a tenant's updates are published.
func (p *Pool) channelOf(tenant string) int {
	if p.Channel == nil {
		return 0
	}
	return p.Channel(tenant)
}
