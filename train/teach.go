package train

import (
	"context"
	"fmt"
	"time"
)

// Lesson is what teachers say of a batch; see tfmodel.Lesson.
type Lesson struct {
	Similarities []float32
	Relations    []float32
}

// Teacher is one or more trained networks that a run learns from. It is called by one
// goroutine.
type Teacher interface {
	// Teach says how alike the pairs of a batch are, and, where relations are learnt from,
	// how alike each image is to all others.
	Teach(ctx context.Context, pixels []byte, a, b []int32) (Lesson, error)
}

// checkTeacher reports what a teacher can't do.
func (s Setup) checkTeacher() error {
	if !(s.TeacherWeight >= 0 && s.TeacherWeight <= 1) {
		return fmt.Errorf("train: teacher weight %v, want 0 to 1", s.TeacherWeight)
	}
	if s.Teacher == nil && (s.TeacherWeight > 0 || s.Related) {
		return fmt.Errorf("train: teacher weight %v and relations %t without a teacher", s.TeacherWeight, s.Related)
	}
	if s.Teacher != nil && s.Towers > 1 {
		return fmt.Errorf("train: a teacher and %d devices, want one device", s.Towers)
	}
	return nil
}

// teach puts what the teacher says into a batch: each pair's target becomes a mean of its
// own and the teacher's similarity. It returns how long that took.
func (r *run) teach(ctx context.Context, batch *Batch) (time.Duration, error) {
	if r.Teacher == nil {
		return 0, nil
	}
	begin := time.Now()
	a, b := batch.A, batch.B
	if r.TeacherWeight == 0 {
		a, b = nil, nil
	}
	lesson, err := r.Teacher.Teach(ctx, batch.Pixels, a, b)
	if err != nil {
		return 0, err
	}
	batch.Relations = lesson.Relations
	if r.TeacherWeight > 0 {
		batch.Targets = soften(*batch, lesson.Similarities, float32(r.TeacherWeight))
	}
	return time.Since(begin), nil
}

// soften is (1-weight)·target + weight·similarity of each pair.
func soften(batch Batch, similarities []float32, weight float32) []float32 {
	targets := make([]float32, len(batch.Same))
	for i, same := range batch.Same {
		if same {
			targets[i] = 1
		}
		if batch.Targets != nil {
			targets[i] = batch.Targets[i]
		}
		targets[i] += weight * (similarities[i] - targets[i])
	}
	return targets
}
