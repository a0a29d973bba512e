package train_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train"
	"siamese/train/sample"
)

// allPairsSetup is levelsSetup with pairs of all in the place of levels.
func allPairsSetup(t *testing.T, dir string, model train.Model) train.Setup {
	t.Helper()
	s := levelsSetup(t, dir, model)
	var err error
	s.Sampler, err = sample.NewAllPairs(s.Data, sample.AllPairsConfig{Images: 8, PerClass: 2, Seed: 3})
	must(t, err)
	return s
}

// TestHardNegativesAreResumed: with neighbours looked up at each second epoch, or at
// each third step, a run that was stopped anywhere ends as one that never was, and draws
// other batches than without them.
func TestHardNegativesAreResumed(t *testing.T) {
	tests := []struct {
		name  string
		setup func(*testing.T, string, train.Model) train.Setup
		ask   func(*train.Config)
	}{
		{"levels by epochs", levelsSetup, func(c *train.Config) { c.Hard, c.HardThings = 2, 12 }},
		{"all pairs by epochs", allPairsSetup, func(c *train.Config) { c.Hard, c.HardThings = 2, 12 }},
		{"all pairs by steps", allPairsSetup, func(c *train.Config) { c.HardSteps, c.HardThings = 3, 12 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := func(dir string, model *fake, ask func(*train.Config)) train.Setup {
				s := tt.setup(t, dir, model)
				ask(&s.Config)
				return s
			}
			straight, without := &fake{}, &fake{}
			must(t, train.Run(t.Context(), run(t.TempDir(), straight, tt.ask)))
			must(t, train.Run(t.Context(), run(t.TempDir(), without, func(*train.Config) {})))
			if cmp.Equal(straight.losses, without.losses) {
				t.Error("looking up neighbours changed nothing")
			}
			for _, stop := range []int{2, 3, 4, 8, 9} { // look-ups are before steps 1, 4, 7, 9 and 10
				dir := t.TempDir()
				ctx, cancel := context.WithCancel(t.Context())
				first := &fake{before: func(step int) error {
					if step == stop {
						cancel()
					}
					return nil
				}}
				wantInterrupted(t, train.Run(ctx, run(dir, first, tt.ask)), stop)
				cancel()
				second := &fake{}
				must(t, train.Run(t.Context(), resumed(run(dir, second, tt.ask))))
				if diff := cmp.Diff(straight.losses, append(first.losses, second.losses...)); diff != "" {
					t.Errorf("stopped after step %d: losses (-uninterrupted +resumed):\n%s", stop, diff)
				}
			}
		})
	}
}

// TestHardNegativesInOneLongEpoch: a look-up by steps needs no end of an epoch.
func TestHardNegativesInOneLongEpoch(t *testing.T) {
	var lines strings.Builder
	s := allPairsSetup(t, t.TempDir(), &fake{})
	s.Log = slog.New(slog.NewTextHandler(&lines, nil))
	s.Epochs, s.StepsPerEpoch = 1, 11
	s.HardSteps, s.HardThings = 5, 12
	must(t, train.Run(t.Context(), s))
	for _, want := range []string{"step=0 things=12", "step=5 things=12", "step=10 things=12"} {
		if text := lines.String(); !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%.2000s", want, text)
		}
	}
}

func TestHardConfigIsChecked(t *testing.T) {
	for _, ask := range []func(*train.Config){
		func(c *train.Config) { c.Hard = -1 },
		func(c *train.Config) { c.HardSteps = -1 },
		func(c *train.Config) { c.HardSteps, c.HardThings = 5, 1 },
		func(c *train.Config) { c.Hard, c.HardSteps, c.HardThings = 1, 5, 100 },
	} {
		s := allPairsSetup(t, t.TempDir(), &fake{})
		ask(&s.Config)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "hard things every") {
			t.Errorf("Validate of %+v = %v, want an error about hard things", s.Config, err)
		}
	}
}
