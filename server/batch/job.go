package batch

import (
	"context"
	"slices"
	"time"
)

// job is one submission. Its state is guarded by the queue's mutex until done
// is closed; after that it does not change.
type job struct {
	// The context of the call that waits: a queued request is the one place
	// where a context is kept, so that a caller who left can be skipped.
	ctx       context.Context
	submitted time.Time
	done      chan struct{} // closed when the job has ended

	units      []*unit // of the images in turn; one may be there twice
	missing    int     // images that have no embedding yet
	embeddings [][]float32
	report     Report
	encoded    time.Time // the end of the runs that are counted in report
	finished   bool
	err        error
}

func newJob(ctx context.Context, images int) *job {
	return &job{
		ctx:        ctx,
		submitted:  time.Now(),
		done:       make(chan struct{}),
		missing:    images,
		embeddings: make([][]float32, images),
	}
}

// store stores the embedding of image i, which run r has carried.
func (j *job) store(i int, embedding []float32, r *run) {
	j.embeddings[i] = embedding
	j.missing--
	j.report.Queue = max(j.report.Queue, r.started.Sub(j.submitted))
	// Runs side by side count once: the time in which any was under way.
	if end := r.started.Add(r.took); end.After(j.encoded) {
		begin := r.started
		if j.encoded.After(begin) {
			begin = j.encoded
		}
		j.report.Encode += end.Sub(begin)
		j.encoded = end
	}
}

// untaken counts the job's images that no run has taken.
func (j *job) untaken() int {
	n := 0
	for _, u := range j.units {
		if !u.taken {
			n++
		}
	}
	return n
}

// result returns what became of the job; only once done is closed.
func (j *job) result() ([][]float32, Report, error) {
	if j.err != nil {
		return nil, Report{}, j.err
	}
	return j.embeddings, j.report, nil
}

// unit is one distinct image that waits or is under way, with all jobs that want
// its embedding. The queue's mutex guards it.
type unit struct {
	pixels []byte
	key    Key
	ticket *ticket // the room that it takes while it waits; nil of a probe
	wanted []want  // empty once all have left
	taken  bool    // by a run
}

// want is a place in a job for an embedding.
type want struct {
	job   *job
	image int // index within the job
}

// abandon takes a job's wants off the unit.
func (u *unit) abandon(j *job) {
	u.wanted = slices.DeleteFunc(u.wanted, func(w want) bool { return w.job == j })
}

// attachLocked gives each image of a job its unit, that of an image which waits
// or is under way where there is one, and returns how many units are new. Those take
// the ticket's room.
func (q *Queue) attachLocked(j *job, t *ticket, images []Image) (created int) {
	for i, image := range images {
		u := q.byKey[image.Key]
		if u == nil {
			u = q.createLocked(image, t)
			created++
		}
		u.wanted = append(u.wanted, want{job: j, image: i})
		j.units = append(j.units, u)
	}
	j.report.Shared = len(images) - created
	q.counts.shared += uint64(j.report.Shared)
	return created
}

func (q *Queue) createLocked(image Image, t *ticket) *unit {
	u := &unit{pixels: image.Pixels, key: image.Key, ticket: t}
	q.order.Push(t.flow(), u, 1)
	if u.key != (Key{}) {
		q.byKey[u.key] = u
	}
	return u
}

// freshLocked counts the distinct images that have no unit yet.
func (q *Queue) freshLocked(images []Image) int {
	fresh := 0
	seen := make(map[Key]bool, len(images))
	for _, image := range images {
		if q.byKey[image.Key] != nil || seen[image.Key] {
			continue
		}
		fresh++
		if image.Key != (Key{}) {
			seen[image.Key] = true
		}
	}
	return fresh
}

// forgetLocked forgets a unit that has left the queue for good.
func (q *Queue) forgetLocked(u *unit) {
	if q.byKey[u.key] == u {
		delete(q.byKey, u.key)
	}
}

// finishLocked ends a job, with an error or without, unless it has ended. Images
// that nobody wants any more leave the queue at once and free their room; their
// number is returned.
func (q *Queue) finishLocked(j *job, err error) (left int) {
	if j.finished {
		return 0
	}
	j.finished, j.err = true, err
	close(j.done)
	if j.missing == 0 {
		return 0 // no unit knows it any more
	}
	for _, u := range j.units {
		u.abandon(j)
	}
	unwanted := func(u *unit) bool {
		if len(u.wanted) > 0 {
			return false
		}
		left++
		q.forgetLocked(u)
		q.leaveLocked(u)
		return true
	}
	q.order.DeleteFunc(unwanted)
	q.urgent = slices.DeleteFunc(q.urgent, unwanted)
	return left
}

// leaveLocked gives back the room of a unit that waits no more.
func (q *Queue) leaveLocked(u *unit) {
	if u.ticket != nil {
		q.occupyLocked(u.ticket, -1)
	}
}
