package batch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// DropReason says why images left the queue without being encoded.
type DropReason string

// The reasons for a drop.
const (
	DropCancelled  DropReason = "cancelled"           // the caller left
	DropDeadline   DropReason = "deadline"            // the caller's deadline passed
	DropUnmeetable DropReason = "unmeetable_deadline" // the caller's deadline could not be kept
	DropFailed     DropReason = "failed"              // a run with other images of the caller's failed
	DropClosed     DropReason = "closed"              // the queue was closed
)

// Stats is a queue at one moment. Counters run from the queue's start.
type Stats struct {
	Queued   int // images that wait
	Reserved int // images that a place was taken for and that are not here yet
	InFlight int // images of the runs under way
	Running  int // runs under way

	// Batches[n] is how many runs had n images, fillers not counted; Batches[0]
	// is zero. Its length is MaxBatch + 1.
	Batches []uint64

	Images  uint64        // images encoded, failed runs not counted
	Encode  time.Duration // time of all runs, failed ones too; runs side by side count each
	Failed  uint64        // runs that failed
	Shared  uint64        // images that another one was encoded for
	Refused uint64        // images of submissions refused with ErrFull

	// Dropped is how many images left the queue without being encoded, by
	// reason; every reason is there.
	Dropped map[DropReason]uint64
}

// Stats returns the numbers of this moment, which are the caller's. It takes
// the queue's lock for a moment and costs about as much as a Submit.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := &q.counts
	return Stats{
		Queued:   q.waitingLocked(),
		Reserved: q.reserved,
		InFlight: c.inFlight,
		Running:  c.running,
		Batches:  slices.Clone(c.batches),
		Images:   c.images,
		Encode:   c.encode,
		Failed:   c.failed,
		Shared:   c.shared,
		Refused:  c.refused,
		Dropped:  maps.Clone(c.dropped),
	}
}

// counts are a queue's counters. The queue's mutex guards them: it is held
// wherever something is to be counted.
type counts struct {
	running, inFlight               int
	batches                         []uint64
	images, failed, shared, refused uint64
	encode                          time.Duration
	dropped                         map[DropReason]uint64
}

func newCounts(maxBatch int) counts {
	return counts{
		batches: make([]uint64, maxBatch+1),
		dropped: map[DropReason]uint64{
			DropCancelled: 0, DropDeadline: 0, DropUnmeetable: 0, DropFailed: 0, DropClosed: 0,
		},
	}
}

func (c *counts) begin(images int) {
	c.running++
	c.inFlight += images
	c.batches[images]++
}

func (c *counts) end(r *run, err error) {
	c.running--
	c.inFlight -= len(r.units)
	c.encode += r.took
	if err != nil {
		c.failed++
		return
	}
	c.images += uint64(len(r.units))
}

func (q *Queue) countRefused(err error, images int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuseLocked(err, images)
}

// refuseLocked counts the images of a submission that was refused with ErrFull.
func (q *Queue) refuseLocked(err error, images int) {
	if errors.Is(err, ErrFull) {
		q.counts.refused += uint64(images)
	}
}

// dropLocked ends a job before its images are encoded and counts those that
// leave with it.
func (q *Queue) dropLocked(j *job, err error) {
	q.counts.dropped[dropReason(err)] += uint64(q.finishLocked(j, err))
}

func dropReason(err error) DropReason {
	switch {
	case errors.Is(err, ErrClosed):
		return DropClosed
	case errors.Is(err, ErrUnmeetable):
		return DropUnmeetable
	case errors.Is(err, context.DeadlineExceeded):
		return DropDeadline
	default:
		return DropCancelled
	}
}
