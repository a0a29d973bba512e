package augment

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

const (
	draws = 20_000
	// Five standard deviations of a share of that many draws: a fair coin fails once
	// in a million, and the seeds are fixed.
	shareError = 0.018
)

func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 1))
}

// spreadOf gathers what one parameter was drawn as.
type spreadOf struct {
	low, high, sum float64
	rest           int // how often the parameter was left alone
}

func gather(n int, rest float64, draw func() float64) spreadOf {
	s := spreadOf{low: math.Inf(1), high: math.Inf(-1)}
	for range n {
		v := draw()
		s.low, s.high, s.sum = min(s.low, v), max(s.high, v), s.sum+v
		if v == rest {
			s.rest++
		}
	}
	return s
}

// check wants the draws within low..high and close to both, their mean in the
// middle, and the share of untouched ones.
func (s spreadOf) check(t *testing.T, name string, low, high, wantRest float64) {
	t.Helper()
	width := high - low
	if s.low < low || s.high > high || s.low > low+0.02*width || s.high < high-0.02*width {
		t.Errorf("%s was drawn from %v..%v, want nearly %v..%v", name, s.low, s.high, low, high)
	}
	if mean := s.sum / draws; math.Abs(mean-(low+high)/2) > shareError*width {
		t.Errorf("%s is %v on average, want %v", name, mean, (low+high)/2)
	}
	if rest := float64(s.rest) / draws; math.Abs(rest-wantRest) > shareError {
		t.Errorf("%s was left alone in %v of the draws, want %v", name, rest, wantRest)
	}
}

func TestAffineDrawsEachPartByItsOwnCoin(t *testing.T) {
	tests := []struct {
		name                string
		part                func(distortion) float64
		rest, wantLow, want float64
	}{
		{"rotation", func(d distortion) float64 { return d.degrees }, 0, -10, 10},
		{"shear x", func(d distortion) float64 { return d.shearX }, 0, -0.3, 0.3},
		{"shear y", func(d distortion) float64 { return d.shearY }, 0, -0.3, 0.3},
		{"scale x", func(d distortion) float64 { return d.scaleX }, 1, 0.8, 1.2},
		{"scale y", func(d distortion) float64 { return d.scaleY }, 1, 0.8, 1.2},
		{"shift x", func(d distortion) float64 { return d.shiftX }, 0, -2, 2},
		{"shift y", func(d distortion) float64 { return d.shiftY }, 0, -2, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			random := seeded(5)
			gather(draws, tt.rest, func() float64 { return tt.part(DefaultAffine().draw(random)) }).
				check(t, tt.name, tt.wantLow, tt.want, 0.5)
		})
	}
}

func TestInverseUndoesTheParts(t *testing.T) {
	const placeError = 1e-9 // of float64 over some twenty operations on 105
	tests := []struct {
		name         string
		give         distortion
		x, y         float64 // of a place in the output of 100x60
		wantX, wantY float64 // where it comes from
	}{
		{"nothing", distortion{scaleX: 1, scaleY: 1}, 30, 20, 30, 20},
		{"shift", distortion{scaleX: 1, scaleY: 1, shiftX: 4, shiftY: -3}, 30, 20, 26, 23},
		{"scale", distortion{scaleX: 2, scaleY: 0.5}, 70, 40, 60, 50},
		{"quarter turn", distortion{degrees: 90, scaleX: 1, scaleY: 1}, 50, 20, 60, 30},
		{"shear x", distortion{scaleX: 1, scaleY: 1, shearX: 0.5}, 55, 40, 50, 40},
		{"shear y", distortion{scaleX: 1, scaleY: 1, shearY: 0.5}, 60, 35, 60, 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.give.inverse(size{100, 60})
			x, y := m.a*tt.x+m.b*tt.y+m.c, m.d*tt.x+m.e*tt.y+m.f
			if math.Abs(x-tt.wantX) > placeError || math.Abs(y-tt.wantY) > placeError {
				t.Errorf("(%v, %v) comes from (%v, %v), want (%v, %v)", tt.x, tt.y, x, y, tt.wantX, tt.wantY)
			}
		})
	}
}

func TestEveryPolicyIsDrawnAlike(t *testing.T) {
	const policies = 25
	if len(imageNetPolicies) != policies {
		t.Fatalf("there are %d policies, want %d", len(imageNetPolicies), policies)
	}
	random := seeded(6)
	var counts [policies]int
	for range draws {
		counts[drawPolicy(random)]++
	}
	for i, count := range counts {
		if share := float64(count) / draws; math.Abs(share-1./policies) > 0.2/policies {
			t.Errorf("policy %d was drawn in %v of the draws, want %v", i, share, 1./policies)
		}
	}
}

func TestPolicyTakesItsStepsByChance(t *testing.T) {
	const probability, n = 0.3, 4000
	const stepError = 0.037 // five standard deviations of a share of n draws
	random := seeded(7)
	invertsShears := policy{{probability, opInvert, 0}, {1, opShearX, 9}}
	p := size{8, 16}.fill(10)
	inverted, toLeft := 0, 0
	for range n {
		got := invertsShears.apply(random, p)
		if got.Pix[4*3] == 245 { // the middle of the top row stays in the picture either way
			inverted++
		}
		if got.Pix[len(got.Pix)-1] == grey {
			toLeft++
		}
	}
	if share := float64(inverted) / n; math.Abs(share-probability) > stepError {
		t.Errorf("a step of probability %v was taken in %v of the draws", probability, share)
	}
	if share := float64(toLeft) / n; math.Abs(share-0.5) > stepError {
		t.Errorf("the sign was positive in %v of the draws, want 0.5", share)
	}
}

func TestCropsKeepAreaAndAspect(t *testing.T) {
	random := seeded(8)
	s := size{105, 105}
	const roundError = 0.04 // a side of 26 pixels and up, rounded to whole ones
	areas := gather(draws, 0, func() float64 {
		box := drawCrop(random, s)
		if !box.In(image.Rect(0, 0, 105, 105)) || box.Empty() {
			t.Fatalf("drawCrop = %v, want a box within 105x105", box)
		}
		aspect := float64(box.Dx()) / float64(box.Dy())
		if aspect < minCropAspect*(1-roundError) || aspect > maxCropAspect*(1+roundError) {
			t.Fatalf("drawCrop = %v of aspect %v, want 3/4 to 4/3", box, aspect)
		}
		return float64(box.Dx()*box.Dy()) / (105 * 105)
	})
	if areas.low < minCropArea*(1-roundError) || areas.low > 0.085 || areas.high < 0.98 {
		t.Errorf("areas are %v..%v of the picture, want 0.08..1", areas.low, areas.high)
	}
}

func TestCropFallsBackToTheCentre(t *testing.T) {
	tests := []struct {
		name string
		give size
		want image.Rectangle
	}{
		{"as wide as allowed", size{40, 30}, image.Rect(0, 0, 40, 30)},
		{"too wide", size{100, 10}, image.Rect(43, 0, 56, 10)},
		{"too high", size{10, 100}, image.Rect(0, 43, 10, 56)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := centralCrop(tt.give); got != tt.want {
				t.Errorf("centralCrop(%v) = %v, want %v", tt.give, got, tt.want)
			}
		})
	}
	// No crop of aspect 4/3 or less has 8 % of the area of so flat a picture.
	if got, want := drawCrop(seeded(9), size{400, 10}), image.Rect(193, 0, 206, 10); got != want {
		t.Errorf("drawCrop of 400x10 = %v, want the central %v", got, want)
	}
}

func TestJitterDraws(t *testing.T) {
	j := &jitter{sized: sized{output: size{105, 105}}}
	tests := []struct {
		name                string
		part                func(jitterDraw) float64
		rest                float64
		wantLow, want, left float64
	}{
		{"degrees", func(d jitterDraw) float64 { return d.degrees }, 0, -15, 14, 0.5 + 0.5/30},
		{"hue", func(d jitterDraw) float64 { return d.gains.hue }, 1, 0.9, 1.1, 0},
		{"saturation", func(d jitterDraw) float64 { return d.gains.saturation }, 1, 0.3, 1.7, 0},
		{"value", func(d jitterDraw) float64 { return d.gains.value }, 1, 0.7, 1.3, 0},
		{"longer side", func(d jitterDraw) float64 { return float64(max(d.scaled.width, d.scaled.height)) }, 0, 78, 157, 0},
		{"flip", func(d jitterDraw) float64 {
			if d.flip {
				return 1
			}
			return 0
		}, 0, 0, 1, 0.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			random := seeded(10)
			gather(draws, tt.rest, func() float64 { return tt.part(j.draw(random, size{105, 105})) }).
				check(t, tt.name, tt.wantLow, tt.want, tt.left)
		})
	}
}

func TestJitterKeepsThePictureInPlace(t *testing.T) {
	random := seeded(11)
	j := &jitter{sized: sized{output: size{105, 80}}}
	for range draws {
		d := j.draw(random, size{60, 90})
		// A picture smaller than the output lies within it, a larger one covers it.
		for _, axis := range [][3]int{{d.x, d.scaled.width, 105}, {d.y, d.scaled.height, 80}} {
			at, length, room := axis[0], axis[1], axis[2]
			if at < min(0, room-length) || at > max(0, room-length) {
				t.Fatalf("a side of %d was placed at %d of %d", length, at, room)
			}
		}
	}
}

func TestMagnitudes(t *testing.T) {
	const magnitudeError = 1e-12 // of float64, for values up to 256
	tests := []struct {
		give      operation
		giveIndex int
		want      float64
	}{
		{opShearX, 9, 0.3}, {opShearX, 3, 0.1}, {opShearX, 0, 0},
		{opRotate, 8, 80. / 3}, {opColor, 9, 0.9}, {opContrast, 8, 0.8}, {opSharpness, 7, 0.7}, {opSharpness, 1, 0.1},
		{opPosterize, 0, 8}, {opPosterize, 1, 8}, {opPosterize, 2, 7}, {opPosterize, 3, 7}, {opPosterize, 4, 6},
		{opPosterize, 5, 6}, {opPosterize, 6, 5}, {opPosterize, 7, 5}, {opPosterize, 8, 4}, {opPosterize, 9, 4},
		{opSolarize, 0, 256}, {opSolarize, 3, 512. / 3}, {opSolarize, 9, 0},
	}
	for i, tt := range tests {
		if got := tt.give.magnitude(tt.giveIndex); math.Abs(got-tt.want) > magnitudeError {
			t.Errorf("case %d: magnitude %d = %v, want %v", i, tt.giveIndex, got, tt.want)
		}
	}
}
