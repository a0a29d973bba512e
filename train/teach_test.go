package train_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train"
)

// wise is a teacher that goes by the images' first levels.
type wise struct{ calls *int }

func (w wise) Teach(_ context.Context, pixels []byte, a, b []int32) (train.Lesson, error) {
	*w.calls++
	const size = side * side * 3
	lesson := train.Lesson{Relations: make([]float32, len(pixels)/size*(len(pixels)/size))}
	for i := range lesson.Relations {
		lesson.Relations[i] = float32(i%5) / 5
	}
	for i := range a {
		lesson.Similarities = append(lesson.Similarities, float32(pixels[int(a[i])*size])/512+float32(pixels[int(b[i])*size])/512)
	}
	return lesson, nil
}

// TestTargetsAreSoftened: a pair's target is that of its classes and what the teacher
// says, by its share; without a share pairs stay as they are.
func TestTargetsAreSoftened(t *testing.T) {
	for _, weight := range []float64{0, 0.25, 1} {
		calls := 0
		s := levelsSetup(t, t.TempDir(), nil)
		s.Teacher, s.TeacherWeight, s.Epochs = wise{&calls}, weight, 1
		s.Model = &watched{fake: &fake{}, check: func(batch train.Batch) {
			lesson, _ := wise{new(int)}.Teach(t.Context(), batch.Pixels, batch.A, batch.B)
			if !cmp.Equal(batch.Relations, lesson.Relations) {
				t.Fatal("the teacher's relations did not reach the model")
			}
			for i := range batch.A {
				own := 0.0
				switch a, b := batch.A[i], batch.B[i]; {
				case batch.Same[i]:
					own = 1
				case batch.Kinds[a] == batch.Kinds[b]:
					own = 0.2
				}
				if want := (1-weight)*own + weight*float64(lesson.Similarities[i]); math.Abs(float64(batch.Targets[i])-want) > 1e-6 {
					t.Fatalf("weight %v: target of pair %d = %v, want %v", weight, i, batch.Targets[i], want)
				}
			}
		}}
		must(t, train.Run(t.Context(), s))
		if calls != 4 {
			t.Errorf("the teacher was asked %d times in 4 steps", calls)
		}
	}
}

// TestTaughtRunIsResumed: it ends as one that was never stopped, differs from one without
// a teacher, and the log tells what the teacher cost.
func TestTaughtRunIsResumed(t *testing.T) {
	taught := func(dir string, model *fake) train.Setup {
		s := setup(t, dir, model, saved{})
		s.Teacher, s.TeacherWeight = wise{new(int)}, 0.5
		return s
	}
	straight, without := &fake{}, &fake{}
	var lines strings.Builder
	s := taught(t.TempDir(), straight)
	s.Log = slog.New(slog.NewTextHandler(&lines, nil))
	must(t, train.Run(t.Context(), s))
	must(t, train.Run(t.Context(), setup(t, t.TempDir(), without, saved{})))
	if cmp.Equal(straight.losses, without.losses) {
		t.Error("the teacher changed nothing")
	}
	if !strings.Contains(lines.String(), "teacher_images_per_s=") {
		t.Errorf("the log tells nothing of the teacher's speed:\n%.1000s", lines.String())
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := &fake{before: func(step int) error {
		if step == 6 {
			cancel()
		}
		return nil
	}}
	wantInterrupted(t, train.Run(ctx, taught(dir, first)), 6)
	second := &fake{}
	must(t, train.Run(t.Context(), resumed(taught(dir, second))))
	if diff := cmp.Diff(straight.losses, append(first.losses, second.losses...)); diff != "" {
		t.Errorf("losses (-uninterrupted +resumed):\n%s", diff)
	}
}

func TestTeacherIsChecked(t *testing.T) {
	tests := map[string]func(*train.Setup){
		"teacher weight 1.5":      func(s *train.Setup) { s.TeacherWeight = 1.5 },
		"teacher weight NaN":      func(s *train.Setup) { s.TeacherWeight = math.NaN() },
		"without a teacher":       func(s *train.Setup) { s.TeacherWeight = 0.5 },
		"relations true without":  func(s *train.Setup) { s.Related = true },
		"a teacher and 2 devices": func(s *train.Setup) { s.Teacher, s.Towers = wise{new(int)}, 2 },
	}
	for want, edit := range tests {
		s := setup(t, t.TempDir(), &fake{}, saved{})
		edit(&s)
		if err := train.Run(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run = %v, want %q in it", err, want)
		}
	}
	lost := errors.New("gone")
	s := setup(t, t.TempDir(), &fake{}, saved{})
	s.Teacher = failing{lost}
	if err := train.Run(t.Context(), s); !errors.Is(err, lost) {
		t.Errorf("Run with a teacher that fails = %v, want its error", err)
	}
}

// failing is a teacher that has nothing to say.
type failing struct{ err error }

func (f failing) Teach(context.Context, []byte, []int32, []int32) (train.Lesson, error) {
	return train.Lesson{}, f.err
}
