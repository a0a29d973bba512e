package augment_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/augment"
)

// speckled is a picture in which every pixel differs from its neighbours.
func speckled(width, height int) *imaging.Picture {
	p := &imaging.Picture{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	random := rand.New(rand.NewPCG(7, 7))
	for i := range p.Pix {
		p.Pix[i] = byte(random.UintN(256))
	}
	return p
}

func newAugmenter(tb testing.TB, name string, config augment.Config) augment.Augmenter {
	tb.Helper()
	a, err := augment.New(name, config)
	if err != nil {
		tb.Fatalf("New(%q, %+v) = %v", name, config, err)
	}
	return a
}

func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 1))
}

func TestApplyGivesTheConfiguredSizeAndKeepsItsInput(t *testing.T) {
	inputs := [][2]int{{105, 105}, {40, 90}, {90, 40}, {200, 10}, {1, 1}, {2, 3}}
	for _, name := range augment.Names() {
		a := newAugmenter(t, name, augment.Config{Width: 48, Height: 40})
		for _, side := range inputs {
			t.Run(fmt.Sprintf("%s-%dx%d", name, side[0], side[1]), func(t *testing.T) {
				p := speckled(side[0], side[1])
				before := bytes.Clone(p.Pix)
				for seed := range uint64(30) {
					got := a.Apply(seeded(seed), p)
					if got.Width != 48 || got.Height != 40 || len(got.Pix) != 48*40*3 {
						t.Fatalf("Apply gave %dx%d and %d bytes, want 48x40", got.Width, got.Height, len(got.Pix))
					}
					clear(got.Pix) // it is the caller's
				}
				if !bytes.Equal(p.Pix, before) {
					t.Error("Apply changed its input or returned its pixels")
				}
			})
		}
	}
}

func TestApplyKeepsTheInputOfTheOutputsSize(t *testing.T) {
	for _, name := range augment.Names() {
		a := newAugmenter(t, name, augment.Config{})
		p := speckled(imaging.DefaultSide, imaging.DefaultSide)
		before := bytes.Clone(p.Pix)
		for seed := range uint64(40) {
			clear(a.Apply(seeded(seed), p).Pix)
		}
		if !bytes.Equal(p.Pix, before) {
			t.Errorf("%s: Apply changed its input or returned its pixels", name)
		}
	}
}

func TestApplyFollowsFromTheSeed(t *testing.T) {
	p := speckled(60, 50)
	for _, name := range augment.Names() {
		a := newAugmenter(t, name, augment.Config{Width: 32, Height: 32})
		first, second := a.Apply(seeded(3), p), a.Apply(seeded(3), p)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: one seed gave two pictures (-first +second):\n%s", name, diff)
		}
		seen := map[string]bool{}
		for seed := range uint64(20) {
			seen[string(a.Apply(seeded(seed), p).Pix)] = true
		}
		if name == "none" && len(seen) != 1 {
			t.Errorf("none gave %d different pictures, want 1", len(seen))
		}
		if name != "none" && len(seen) < 15 {
			t.Errorf("%s gave %d different pictures of 20 seeds, want at least 15", name, len(seen))
		}
	}
}

func TestApplyFromManyGoroutines(t *testing.T) {
	p := speckled(50, 50)
	for _, name := range augment.Names() {
		a := newAugmenter(t, name, augment.Config{Width: 32, Height: 32})
		const workers = 8
		got := make([]*imaging.Picture, workers)
		var wait sync.WaitGroup
		for i := range workers {
			wait.Go(func() { got[i] = a.Apply(seeded(uint64(i)), p) })
		}
		wait.Wait()
		for i := range workers {
			if diff := cmp.Diff(a.Apply(seeded(uint64(i)), p), got[i]); diff != "" {
				t.Errorf("%s: seed %d alone and among others (-alone +among):\n%s", name, i, diff)
			}
		}
	}
}

func TestNoneOnlyResizes(t *testing.T) {
	p := speckled(40, 30)
	got := newAugmenter(t, "none", augment.Config{Width: 20, Height: 20}).Apply(seeded(1), p)
	if diff := cmp.Diff(p.Resize(20, 20, imaging.Bilinear), got); diff != "" {
		t.Errorf("none (-want +got):\n%s", diff)
	}
}

func TestNewRefusesUnknownNames(t *testing.T) {
	for _, name := range []string{"", "Affine", "mixup"} {
		_, err := augment.New(name, augment.Config{})
		if err == nil {
			t.Fatalf("New(%q) = nil error", name)
		}
		for _, want := range []string{fmt.Sprintf("%q", name), "affine", "autoaugment", "jitter", "none"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("New(%q) = %v, want it to name %s", name, err, want)
			}
		}
	}
}

func TestConfigValidate(t *testing.T) {
	with := func(change func(*augment.AffineConfig)) augment.Config {
		c := augment.DefaultAffine()
		change(&c)
		return augment.Config{Affine: c}
	}
	tests := []struct {
		name    string
		give    augment.Config
		wantErr string // part of it; empty: valid
	}{
		{"zero", augment.Config{}, ""},
		{"defaults", augment.Config{Width: 105, Height: 105, Affine: augment.DefaultAffine()}, ""},
		{"negative width", augment.Config{Width: -1}, "Width is -1, expected 0"},
		{"high", augment.Config{Height: 5000}, "Height is 5000"},
		{"rotation", with(func(c *augment.AffineConfig) { c.RotationDegrees = 181 }), "Affine.RotationDegrees is 181, expected 0 to 180"},
		{"nan", with(func(c *augment.AffineConfig) { c.RotationDegrees = math.NaN() }), "Affine.RotationDegrees is NaN"},
		{"shear", with(func(c *augment.AffineConfig) { c.Shear = 1 }), "Affine.Shear is 1"},
		{"no scale", with(func(c *augment.AffineConfig) { c.ScaleLow = 0 }), "Affine.ScaleLow is 0"},
		{"scales swapped", with(func(c *augment.AffineConfig) { c.ScaleHigh = 0.5 }), "Affine.ScaleHigh is 0.5, expected 0.8"},
		{"shift", with(func(c *augment.AffineConfig) { c.ShiftPixels = -2 }), "Affine.ShiftPixels is -2"},
		{"probability", with(func(c *augment.AffineConfig) { c.Probability = 1.5 }), "Affine.Probability is 1.5, expected 0 to 1"},
		{"stroke", with(func(c *augment.AffineConfig) { c.StrokePixels = 17 }), "Affine.StrokePixels is 17"},
		{"stroke's chance", with(func(c *augment.AffineConfig) { c.StrokeProbability = -1 }), "Affine.StrokeProbability is -1"},
		{"elastic", with(func(c *augment.AffineConfig) { c.ElasticPixels = -1 }), "Affine.ElasticPixels is -1, expected 0 to 32"},
		{"elastic's knots", with(func(c *augment.AffineConfig) { c.ElasticSpacing = 3 }), "Affine.ElasticSpacing is 3, expected 4 to 256"},
		{"elastic's chance", with(func(c *augment.AffineConfig) { c.ElasticProbability = 2 }), "Affine.ElasticProbability is 2"},
		{"half a config", augment.Config{Affine: augment.AffineConfig{RotationDegrees: 5}}, "Affine.ScaleLow is 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.give.Validate()
			if _, newErr := augment.New("affine", tt.give); (newErr == nil) != (err == nil) {
				t.Errorf("New = %v, but Validate = %v", newErr, err)
			}
			switch {
			case tt.wantErr == "" && err != nil:
				t.Errorf("Validate() = %v, want nil", err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("Validate() = %v, want %q in it", err, tt.wantErr)
			}
		})
	}
}
