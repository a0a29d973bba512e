package augment_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/augment"
)

// flat is a picture of one colour.
func flat(width, height int, colour [3]byte) *imaging.Picture {
	p := &imaging.Picture{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	for i := range p.Pix {
		p.Pix[i] = colour[i%3]
	}
	return p
}

// gradient rises to the right in red, downwards in green.
func gradient(width, height int) *imaging.Picture {
	p := flat(width, height, [3]byte{0, 0, 90})
	for i := 0; i < len(p.Pix); i += 3 {
		p.Pix[i], p.Pix[i+1] = byte(255*(i/3%width)/(width-1)), byte(255*(i/3/width)/(height-1))
	}
	return p
}

// off is the mean difference of two pictures in levels.
func off(a, b *imaging.Picture) float64 {
	sum := 0.0
	for i := range a.Pix {
		sum += math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
	}
	return sum / float64(len(a.Pix))
}

func TestEditsConfigRefuses(t *testing.T) {
	tests := []struct {
		give augment.EditsConfig
		want string
	}{
		{augment.EditsConfig{Strength: -1}, "Strength is -1"},
		{augment.EditsConfig{Strength: math.NaN()}, "Strength is NaN"},
		{augment.EditsConfig{LeastArea: 1.5}, "LeastArea is 1.5"},
		{augment.EditsConfig{RotationDegrees: 50}, "RotationDegrees is 50"},
		{augment.EditsConfig{LeastQuality: 101}, "LeastQuality is 101"},
	}
	for _, tt := range tests {
		if _, err := augment.New("edits", augment.Config{Edits: tt.give}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New with %+v = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

// TestEditsAreTheSameAsEver holds the pictures of three seeds against what they
// were: a run that is resumed by a later program must go on with the same pictures.
func TestEditsAreTheSameAsEver(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("recorded on amd64; on %s sums round differently", runtime.GOARCH)
	}
	a := newAugmenter(t, "edits", augment.Config{Width: 64, Height: 64, Edits: augment.EditsConfig{Strength: 2, Mirror: true}})
	hash := sha256.New()
	for seed := range uint64(16) {
		hash.Write(a.Apply(rand.New(rand.NewPCG(seed, 5)), gradient(90, 80)).Pix)
	}
	const want = "390e60636230977a4aabefd8b75ddf5e7d714e6057a51cb72ab7a2ad7411cfb0"
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("16 edited pictures have the SHA-256 %s, want %s", got, want)
	}
}

// TestEditsVary: on the average a copy is nearer to its own picture than
// a flat one is, and no two copies are alike.
func TestEditsVary(t *testing.T) {
	a := newAugmenter(t, "edits", augment.Config{Width: 64, Height: 64})
	p := gradient(64, 64)
	seen := map[string]bool{}
	unchanged, total := 0, 0.0
	const copies = 400
	for seed := range uint64(copies) {
		edited := a.Apply(seeded(seed), p)
		if bytes.Equal(edited.Pix, p.Pix) {
			unchanged++
		} else {
			seen[string(edited.Pix)] = true
		}
		total += off(edited, p)
	}
	if share := float64(unchanged) / copies; share > 0.1 {
		t.Errorf("%.0f %% of the copies are unchanged, want at most a tenth", 100*share)
	}
	if len(seen) != copies-unchanged {
		t.Errorf("%d different copies of %d edited ones, want all different", len(seen), copies-unchanged)
	}
	if mean, grey := total/copies, off(flat(64, 64, [3]byte{128, 128, 90}), p); mean > grey {
		t.Errorf("copies are off by %.1f levels on the average, a flat picture by %.1f", mean, grey)
	}
}

// TestMirroredOnlyWhereAllowed: without Mirror the red of the gradient rises to the
// right in every copy, with it to the left in about half.
func TestMirroredOnlyWhereAllowed(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		a := newAugmenter(t, "edits", augment.Config{Width: 32, Height: 32, Edits: augment.EditsConfig{Strength: 1e-9, Mirror: allowed}})
		mirrored := 0
		const copies = 200
		for seed := range uint64(copies) {
			edited := a.Apply(seeded(seed), gradient(32, 32))
			if edited.Pix[0] > edited.Pix[31*3] {
				mirrored++
			}
		}
		if allowed && (mirrored < copies*4/10 || mirrored > copies*6/10) || !allowed && mirrored > 0 {
			t.Errorf("Mirror %t: %d of %d copies are mirrored", allowed, mirrored, copies)
		}
	}
}

func TestTurnedShowsNothingFromOutside(t *testing.T) {
	p := gradient(64, 48)
	if got := augment.Turned(p, 0); off(got, p) > 1 {
		t.Errorf("turned by 0 degrees: off by %.2f levels, want at most 1 (fractions are cut off)", off(got, p))
	}
	for _, degrees := range []float64{-45, -20, 7, 20, 45} {
		got := augment.Turned(flat(64, 48, [3]byte{200, 10, 10}), degrees)
		if !bytes.Equal(got.Pix, flat(64, 48, [3]byte{200, 10, 10}).Pix) {
			t.Errorf("a red picture turned by %v degrees has another colour in it", degrees)
		}
	}
	// A quarter of the way round the corner: what rises to the right rises upwards too.
	turned := augment.Turned(gradient(64, 64), 20)
	top, bottom := turned.Pix[(4*64+32)*3], turned.Pix[(60*64+32)*3]
	if top <= bottom {
		t.Errorf("turned by 20 degrees red is %d above and %d below the centre, want more above: counter-clockwise", top, bottom)
	}
}

func TestBlurredKeepsTheMean(t *testing.T) {
	if got := augment.Blurred(flat(20, 20, [3]byte{10, 100, 250}), 2); !bytes.Equal(got.Pix, flat(20, 20, [3]byte{10, 100, 250}).Pix) {
		t.Error("a flat picture changes when it is blurred")
	}
	p := flat(41, 41, [3]byte{0, 0, 0})
	at := (20*41 + 20) * 3
	p.Pix[at] = 255
	got := augment.Blurred(p, 1)
	// A Gaussian of deviation 1 has 1/(2π) of its weight at the centre, less by e^-½ a pixel off.
	if want := 255 / (2 * math.Pi); math.Abs(float64(got.Pix[at])-want) > 2 {
		t.Errorf("centre of a blurred point = %d, want %.0f", got.Pix[at], want)
	}
	if want := 255 / (2 * math.Pi) * math.Exp(-0.5); math.Abs(float64(got.Pix[at+3])-want) > 2 {
		t.Errorf("beside the centre = %d, want %.0f", got.Pix[at+3], want)
	}
}

func TestSavedAsJPEGLosesByQuality(t *testing.T) {
	p := speckled(48, 48)
	before := math.Inf(1)
	for _, quality := range []int{3, 20, 75, 100} {
		now := off(augment.SavedAsJPEG(p, quality), p)
		if now >= before || now == 0 {
			t.Errorf("quality %d is off by %.1f levels, the lower one by %.1f: want less", quality, now, before)
		}
		before = now
	}
	if got := off(augment.SavedAsJPEG(gradient(48, 48), 95), gradient(48, 48)); got > 3 {
		t.Errorf("a smooth picture at quality 95 is off by %.1f levels, want at most 3", got)
	}
}
