package schedule_test

import (
	"math"
	"strings"
	"testing"

	"siamese/train/schedule"
)

// upstream is the run that upstream's defaults describe: batch 32, SGD.
func upstream(kind schedule.Kind) schedule.Config {
	rate, minRate := schedule.Scaled("sgd", 32, 1e-2, 1e-4)
	return schedule.Config{Kind: kind, Rate: rate, MinRate: minRate, Epochs: 100, StepsPerEpoch: 10}
}

func TestAt(t *testing.T) {
	tests := []struct {
		kind schedule.Kind
		step int64
		want float64
	}{
		// Upstream's own numbers: 5e-4, 1e-3, 2.5e-3, 5e-3 at epoch 3, 5e-5 from 95.
		{schedule.Cos, 0, 5e-4},
		{schedule.Cos, 9, 5e-4},
		{schedule.Cos, 10, 1e-3},
		{schedule.Cos, 20, 2.5e-3},
		{schedule.Cos, 30, 5e-3},
		{schedule.Cos, 490, 5e-5 + 0.5*(5e-3-5e-5)*(1+math.Cos(math.Pi*46/92))},
		{schedule.Cos, 950, 5e-5},
		{schedule.Cos, 5000, 5e-5},
		{schedule.Smooth, 15, 5e-4 + 4.5e-3*0.25},
		{schedule.Step, 0, 5e-3},
		{schedule.Step, 99, 5e-3},
		{schedule.Step, 100, 5e-3 * math.Pow(0.01, 1.0/9)},
		{schedule.Step, 999, 5e-5},
		{schedule.Constant, 123, 5e-3},
	}
	for _, tt := range tests {
		got := upstream(tt.kind).At(tt.step)
		if math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s at step %d = %v, want %v", tt.kind, tt.step, got, tt.want)
		}
	}
}

// TestSmoothOfFewEpochs: the rate of a run of one epoch rises, falls and ends low; from
// ten epochs on the course is that of Cos.
func TestSmoothOfFewEpochs(t *testing.T) {
	config := schedule.Config{Kind: schedule.Smooth, Rate: 1, MinRate: 0.01, Epochs: 1, StepsPerEpoch: 100}
	for step, want := range map[int64]float64{0: 0.1, 5: 0.325, 10: 1, 50: 0.01 + 0.5*0.99, 90: 0.01, 99: 0.01} {
		if got := config.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("one epoch: rate at step %d of 100 = %v, want %v", step, got, want)
		}
	}
	for epochs := 10; epochs < 200; epochs += 30 {
		smooth := schedule.Config{Kind: schedule.Smooth, Rate: 1, MinRate: 0.01, Epochs: epochs, StepsPerEpoch: 1}
		cos := smooth
		cos.Kind = schedule.Cos
		for step := range int64(epochs) {
			if got, want := smooth.At(step), cos.At(step); got != want {
				t.Errorf("%d epochs: rate at epoch %d = %v, want %v as by cos", epochs, step, got, want)
			}
		}
	}
}

// TestAtShare: a share of the run is that share of its epochs, whatever a step is.
func TestAtShare(t *testing.T) {
	for _, kind := range []schedule.Kind{schedule.Cos, schedule.Smooth, schedule.Step, schedule.Constant} {
		config := upstream(kind)
		for _, step := range []int64{0, 15, 32, 490, 777, 999, 1000} {
			want := config.At(step)
			if got := config.AtShare(3, float64(step)/1000); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s at share %v = %v, want %v as at step %d of 1000", kind, float64(step)/1000, got, want, step)
			}
		}
	}
	config := schedule.Config{Kind: schedule.Constant, Rate: 1, Epochs: 1, StepsPerEpoch: 1, WarmUpSteps: 4}
	if got := config.AtShare(1, 0.9); got != 0.5 {
		t.Errorf("second step of four to warm up = %v, want 0.5 however much of the time is over", got)
	}
}

func TestWarmUp(t *testing.T) {
	config := schedule.Config{Kind: schedule.Constant, Rate: 1, Epochs: 1, StepsPerEpoch: 100, WarmUpSteps: 4}
	for step, want := range []float64{0.25, 0.5, 0.75, 1, 1} {
		if got := config.At(int64(step)); got != want {
			t.Errorf("step %d: rate %v, want %v", step, got, want)
		}
	}
}

func TestScaled(t *testing.T) {
	tests := []struct {
		optimizer         string
		batch             int
		rate, minRate     float64
		wantRate, wantMin float64
	}{
		{"sgd", 32, 1e-2, 1e-4, 5e-3, 5e-5},
		{"sgd", 64, 1e-2, 1e-4, 1e-2, 1e-4},
		{"sgd", 1, 1e-2, 1e-4, 5e-4, 5e-6},
		{"sgd", 4096, 1e-2, 1e-4, 1e-1, 1e-3},
		{"adam", 32, 1e-3, 1e-5, 5e-4, 5e-6},
		{"adam", 1024, 1e-3, 1e-5, 1e-3, 1e-5},
	}
	for _, tt := range tests {
		rate, minRate := schedule.Scaled(tt.optimizer, tt.batch, tt.rate, tt.minRate)
		if math.Abs(rate-tt.wantRate) > 1e-15 || math.Abs(minRate-tt.wantMin) > 1e-15 {
			t.Errorf("Scaled(%s, %d, %v, %v) = %v, %v; want %v, %v", tt.optimizer, tt.batch, tt.rate, tt.minRate, rate, minRate, tt.wantRate, tt.wantMin)
		}
	}
}

func TestBudgetWarning(t *testing.T) {
	tests := []struct {
		optimizer     string
		steps, epochs int
		want          string
	}{
		{"sgd", 542, 100, ""},
		{"sgd", 76, 100, "sgd wants 30000 steps or more from ImageNet's weights, and 100 epochs of 76 steps are 7600"},
		{"adam", 76, 100, "adam wants 10000 steps"},
		{"adam", 101, 100, ""},
	}
	for _, tt := range tests {
		got := schedule.BudgetWarning(tt.optimizer, tt.steps, tt.epochs)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("BudgetWarning(%s, %d, %d) = %q, want %q", tt.optimizer, tt.steps, tt.epochs, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := upstream(schedule.Cos).Validate(); err != nil {
		t.Errorf("Validate() of upstream's = %v, want nil", err)
	}
	tests := []struct {
		edit func(*schedule.Config)
		want string
	}{
		{func(c *schedule.Config) { c.Kind = "linear" }, `schedule "linear"`},
		{func(c *schedule.Config) { c.Rate = 0 }, "learning rate 0"},
		{func(c *schedule.Config) { c.Rate = math.NaN() }, "learning rate NaN"},
		{func(c *schedule.Config) { c.MinRate = 1 }, "least learning rate 1"},
		{func(c *schedule.Config) { c.Epochs = 0 }, "0 epochs"},
		{func(c *schedule.Config) { c.WarmUpSteps = -1 }, "-1 of them to warm up"},
	}
	for _, tt := range tests {
		config := upstream(schedule.Cos)
		tt.edit(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v.Validate() = %v, want an error with %q", config, err, tt.want)
		}
	}
}
