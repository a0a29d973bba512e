package batch

import "slices"

// unit is one distinct image that waits or is under way, with all who want its
// embedding. The queue's mutex guards it.
type unit struct {
	pixels []byte
	key    Key
	wanted []want // empty once all have left
	taken  bool   // by a run
}

// want is a place in a job for an embedding.
type want struct {
	job   *job
	image int // index within the job
}

// forsake takes a job's wants off the unit.
func (u *unit) forsake(j *job) {
	u.wanted = slices.DeleteFunc(u.wanted, func(w want) bool { return w.job == j })
}

// attachLocked gives each image of a job its unit, that of an image which waits
// or is under way where there is one, and returns how many units are new.
func (q *Queue) attachLocked(j *job, images []Image) (created int) {
	for i, image := range images {
		u := q.flying[image.Key]
		if u == nil {
			u = q.createLocked(image)
			created++
		}
		u.wanted = append(u.wanted, want{job: j, image: i})
		j.units = append(j.units, u)
	}
	j.report.Shared = len(images) - created
	q.counts.shared += uint64(j.report.Shared)
	return created
}

func (q *Queue) createLocked(image Image) *unit {
	u := &unit{pixels: image.Pixels, key: image.Key}
	q.waiting = append(q.waiting, u)
	if u.key != (Key{}) {
		q.flying[u.key] = u
	}
	return u
}

// freshLocked counts the distinct images that have no unit yet.
func (q *Queue) freshLocked(images []Image) int {
	fresh := 0
	seen := make(map[Key]bool, len(images))
	for _, image := range images {
		if q.flying[image.Key] != nil || seen[image.Key] {
			continue
		}
		fresh++
		if image.Key != (Key{}) {
			seen[image.Key] = true
		}
	}
	return fresh
}

// landLocked forgets a unit that has left the queue for good.
func (q *Queue) landLocked(u *unit) {
	if q.flying[u.key] == u {
		delete(q.flying, u.key)
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
		u.forsake(j)
	}
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(u *unit) bool {
		if len(u.wanted) > 0 {
			return false
		}
		q.landLocked(u)
		return true
	})
	left = before - len(q.waiting)
	q.room.Release(int64(left))
	return left
}
