package engine

import (
	"fmt"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// prefill pushes the jobs that wait when the load begins. They are due at the
// moment at which the consumers are let loose.
func (r *run) prefill() error {
	// Where jobs need not go to several queues, a push takes as many as fit into
	// one write.
	const most = 1000
	if r.s.Prefill == 0 {
		return nil
	}
	p, limit, due := r.producers[0], r.s.Prefill, -int64(lead)
	var d *storeDoor
	if r.store != nil {
		d = r.entry.doors[0].(*storeDoor)
		p = d.producer
	}
	size := int64(r.s.Batch)
	if p.aimer == nil {
		size = max(size, min(most, maxWrite/int64(r.format.Max))/size*size)
	}
	for r.filled < limit && !r.stopping() {
		g := plan.Clip(pace.Group{First: r.filled, Jobs: int(size)}, limit)
		if d != nil {
			d.encode(g)
			if err := r.store.Insert(r.ctx, d.ids, d.tenants); err != nil {
				return fmt.Errorf("prefill the table: %w", err)
			}
		}
		if err := p.fill(g, due); err != nil {
			return fmt.Errorf("prefill the queue: %w", err)
		}
		r.filled += int64(g.Jobs)
	}
	return nil
}

// fill pushes a group before the load begins and waits for the answer.
func (p *producer) fill(g pace.Group, due int64) error {
	p.batch, p.arena, p.slots = p.batch[:0], p.arena[:0], p.slots[:0]
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		j := p.r.start(n, due)
		j.Stamp[flight.SentAt], j.Stamp[flight.AckedAt] = due, due
		p.slots = append(p.slots, j)
		at := len(p.arena)
		p.arena = p.r.format.Append(p.arena, n)
		p.batch = append(p.batch, p.arena[at:len(p.arena):len(p.arena)])
	}
	p.aim(g)
	if err := p.conn.Push(p.r.ctx, p.batch...); err != nil {
		return err
	}
	for i, j := range p.slots {
		j.Launch(g.First + int64(i))
		marks := flight.Acked
		if p.r.store != nil {
			j.Stamp[flight.StoredAt] = due
			marks |= flight.Stored
		}
		j.Mark(g.First+int64(i), marks)
	}
	p.tally.Add(ledger.Sent, int64(g.Jobs))
	p.tally.Add(ledger.Acked, int64(g.Jobs))
	p.batch, p.arena, p.slots = p.batch[:0], p.arena[:0], p.slots[:0]
	return nil
}
