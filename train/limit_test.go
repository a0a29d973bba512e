package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"siamese/train"
	"siamese/train/schedule"
	"siamese/weights"
)

// slow is a fake network whose work takes time.
type slow struct {
	*fake
	start, step, save, encode time.Duration
	rates                     []float64
}

func (s *slow) Step(ctx context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	if len(s.rates) == 0 {
		time.Sleep(s.start)
	}
	time.Sleep(s.step)
	s.rates = append(s.rates, learningRate)
	return s.fake.Step(ctx, batch, learningRate)
}

func (s *slow) State() (*weights.Set, error) {
	time.Sleep(s.save)
	return s.fake.State()
}

func (s *slow) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	time.Sleep(s.encode)
	return s.fake.Encode(ctx, pixels)
}

// limited is a setup with a time limit, until whose end it runs.
func limited(t *testing.T, dir string, model train.Model, kept saved, limit time.Duration) train.Setup {
	s := setup(t, dir, model, kept)
	s.Epochs, s.TimeLimit = 0, limit
	s.Schedule = schedule.Config{Kind: schedule.Smooth, Rate: 0.1, MinRate: 0.01, Epochs: 100, StepsPerEpoch: 4}
	return s
}

// took is how long a run takes by the fake clock.
func took(t *testing.T, s train.Setup) time.Duration {
	t.Helper()
	begin := time.Now()
	must(t, train.Run(t.Context(), s))
	return time.Since(begin)
}

// early is by how much a run may end before its limit.
const early = 5 * time.Second

func TestTimeLimitIsKept(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		give          string
		model         slow
		stepsPerEpoch int
		limit         time.Duration
	}{
		{"quick steps, long epochs", slow{step: 50 * ms, save: 400 * ms, encode: 100 * ms}, 500, time.Minute},
		{"quick steps, short epochs", slow{step: 200 * ms, save: 400 * ms, encode: 100 * ms}, 7, 20 * time.Second},
		{"within the first epoch", slow{step: 100 * ms, save: 300 * ms}, 10_000, 8 * time.Second},
		{"slow first step", slow{start: 20 * time.Second, step: 40 * ms, save: 100 * ms}, 500, time.Minute},
		{"slow steps", slow{step: 3 * time.Second, save: 100 * ms, encode: 100 * ms}, 3, time.Minute},
		{"slow save", slow{step: 100 * ms, save: 3 * time.Second}, 40, 2 * time.Minute},
		{"long validation", slow{step: 50 * ms, save: 100 * ms, encode: 15 * time.Second}, 400, 50 * time.Second},
		{"final validation", slow{step: 400 * ms, save: 100 * ms, encode: 2 * time.Second}, 1000, 8 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, kept, model := t.TempDir(), saved{}, tt.model
				model.fake = &fake{}
				s := limited(t, dir, &model, kept, tt.limit)
				s.StepsPerEpoch = tt.stepsPerEpoch
				if got := took(t, s); got > tt.limit || got < tt.limit-early {
					t.Errorf("the run took %v, want at most its limit of %v and at least %v", got, tt.limit, tt.limit-early)
				}
				if kept["last_epoch_weights"] == 0 || kept["best_epoch_weights"] == 0 {
					t.Errorf("saved %v, want the last and the best weights", kept)
				}
				if _, err := os.Stat(filepath.Join(dir, train.CheckpointFile)); err != nil {
					t.Errorf("checkpoint: %v", err)
				}
				if first, last := model.rates[0], model.rates[len(model.rates)-1]; first > 0.02 || last > 0.011 && tt.model.step < time.Second {
					t.Errorf("learning rates go from %v to %v, want from a tenth of 0.1 to the least, 0.01", first, last)
				}
			})
		})
	}
}

// TestTimeLimitAcrossParts: an interrupted run goes on with the time that it has
// left, a run whose time is over with what is given to it.
func TestTimeLimitAcrossParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 20 * time.Second
		dir, kept := t.TempDir(), saved{}
		model := &slow{fake: &fake{}, step: 100 * time.Millisecond, save: 100 * time.Millisecond}
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second+50*time.Millisecond)
		defer cancel()
		s := limited(t, dir, model, kept, limit)
		s.StepsPerEpoch = 1000
		if err := train.Run(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run until its context is done = %v, want the context's error", err)
		}
		s = resumed(s)
		if kept["last_epoch_weights"] != 0 {
			t.Errorf("an interrupted run saved %v, want its state alone", kept)
		}
		interrupted := len(model.rates)
		if got := took(t, s); got > 13*time.Second || got < 13*time.Second-early {
			t.Errorf("the run took %v after its interruption, want the 13 s that were left", got)
		}
		// What came just after the interruption goes on from what came before.
		if before, after := model.rates[interrupted-1], model.rates[interrupted]; after > before || after < 0.9*before {
			t.Errorf("learning rates before and after the interruption are %v and %v, want a course without a jump", before, after)
		}
		if err := train.Run(t.Context(), s); !errors.Is(err, train.ErrNoTime) {
			t.Errorf("Run after the time was over = %v, want ErrNoTime", err)
		}
		steps := len(model.rates)
		s.MoreTime = 20 * time.Second
		if got := took(t, s); got > s.MoreTime || got < s.MoreTime-early {
			t.Errorf("the run took %v, want the %v that it was given", got, s.MoreTime)
		}
		// About half of the time is over where it goes on: half of a cosine.
		if rate := model.rates[steps]; rate < 0.04 || rate > 0.07 {
			t.Errorf("learning rate with half of the time to come = %v, want about 0.055", rate)
		}
		if last := model.rates[len(model.rates)-1]; last > 0.011 {
			t.Errorf("last learning rate = %v, want the least, 0.01", last)
		}
		if model.steps != len(model.rates) || len(model.rates) < steps+100 {
			t.Errorf("%d steps, %d of them with more time; want a hundred and more", len(model.rates), len(model.rates)-steps)
		}
	})
}

// TestTimeGivenToARunOfEpochs: its epochs are the most that it trains.
func TestTimeGivenToARunOfEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := &slow{fake: &fake{}, step: time.Second}
		s := setup(t, t.TempDir(), model, saved{})
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		if err := train.Run(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run until its context is done = %v, want the context's error", err)
		}
		s = resumed(s)
		s.MoreTime = time.Hour
		must(t, train.Run(t.Context(), s))
		if model.steps != 12 {
			t.Errorf("%d steps, want the 12 of three epochs", model.steps)
		}
		if last := model.rates[11]; last > 0.011 {
			t.Errorf("last learning rate = %v, want the least, 0.01, since its epochs end first", last)
		}
	})
}

func TestNoTimeForAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := &slow{fake: &fake{}, save: time.Second}
		s := limited(t, t.TempDir(), model, saved{}, 30*time.Second)
		for _, start := range []time.Duration{28 * time.Second, time.Minute} {
			s.Began, s.Dir = time.Now().Add(-start), t.TempDir()
			if err := train.Run(t.Context(), s); !errors.Is(err, train.ErrNoTime) || model.steps != 0 {
				t.Errorf("Run %v after the start with a limit of %v = %v after %d steps, want ErrNoTime and none", start, s.TimeLimit, err, model.steps)
			}
		}
	})
}
