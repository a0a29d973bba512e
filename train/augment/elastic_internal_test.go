package augment

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
)

// still is a field that moves everything alike.
func still(s size, spacing int, dx, dy float64) field {
	f := drawField(rand.New(rand.NewPCG(1, 1)), s, 1, spacing)
	for i := range f.dx {
		f.dx[i], f.dy[i] = dx, dy
	}
	return f
}

// noise is a picture of which every pixel differs.
func noise(s size) *imaging.Picture {
	p, random := s.empty(), rand.New(rand.NewPCG(3, 3))
	for i := range p.Pix {
		p.Pix[i] = uint8(random.Uint32())
	}
	return p
}

func bent(p *imaging.Picture, m matrix, f field, fill uint8) *imaging.Picture {
	out := sizeOf(p).empty()
	from := rasterOf(p)
	elasticWarp(out.Pix, &from, m, f, fill)
	return out
}

func TestElasticOfOneDisplacementIsAShift(t *testing.T) {
	s := size{width: 33, height: 21} // neither a multiple of the spacing
	p := noise(s)
	for _, spacing := range []int{4, 7, 20, 100} {
		got := bent(p, matrix{a: 1, e: 1}, still(s, spacing, 3, -2), 200)
		want := warped(p, matrix{a: 1, c: 3, e: 1, f: -2}, 200)
		if diff := cmp.Diff(want.Pix, got.Pix, nearLevels); diff != "" {
			t.Errorf("knots %d pixels apart (-shifted +elastic):\n%s", spacing, diff)
		}
	}
}

func TestElasticComesBeforeTheMatrix(t *testing.T) {
	s := size{width: 20, height: 20}
	p := noise(s)
	// Displaced by (1, 2), and then with x and y exchanged.
	got := bent(p, matrix{b: 1, d: 1}, still(s, 8, 1, 2), 200)
	want := warped(p, matrix{b: 1, c: 2, d: 1, f: 1}, 200)
	if diff := cmp.Diff(want.Pix, got.Pix, nearLevels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// nearLevels allows for the spline's weights, whose sum is 1 but for rounding.
var nearLevels = cmp.Comparer(func(a, b byte) bool { return max(a, b)-min(a, b) <= 1 })

func TestFieldIsSmooth(t *testing.T) {
	// A spline of slopes: knots 2·amplitude apart over spacing pixels.
	const amplitude, spacing = 8., 20
	s := size{width: 105, height: 105}
	f := drawField(rand.New(rand.NewPCG(5, 5)), s, amplitude, spacing)
	weights := make([][4]float64, spacing)
	for i := range weights {
		weights[i] = spline(i, spacing)
	}
	before, row, unused := make([]float64, f.columns), make([]float64, f.columns), make([]float64, f.columns)
	moved := false
	for y := range s.height {
		f.row(y, weights, row, unused)
		for i := range row {
			if row[i] > amplitude || row[i] < -amplitude {
				t.Errorf("row %d moves by %v, want at most %v", y, row[i], amplitude)
			}
			if step := row[i] - before[i]; y > 0 && (step > 2*amplitude/spacing || step < -2*amplitude/spacing) {
				t.Errorf("from row %d to the next the field changes by %v, want at most %v", y-1, step, 2*amplitude/spacing)
			}
			moved = moved || row[i] > amplitude/4
		}
		copy(before, row)
	}
	if !moved {
		t.Error("nothing moves by a quarter of the amplitude, want some of it to")
	}
}

func TestElasticGolden(t *testing.T) {
	// A line, bent: the place of its ink in each eighth row, as first seen and
	// looked at on a sheet.
	s := size{width: 48, height: 48}
	p := s.fill(255)
	for y := range s.height {
		for x := 23; x < 26; x++ {
			copy(p.Pix[(y*s.width+x)*3:], []byte{0, 0, 0})
		}
	}
	config := AffineConfig{ScaleLow: 1, ScaleHigh: 1, ElasticPixels: 12, ElasticSpacing: 12, ElasticProbability: 1, Fill: 255}
	a := &affine{sized: sized{output: s}, config: config}
	bent := a.Apply(rand.New(rand.NewPCG(7, 7)), p)
	var got []int
	for y := 0; y < s.height; y += 8 {
		sum, ink := 0, 0
		for x := range s.width {
			dark := 255 - int(bent.Pix[(y*s.width+x)*3])
			sum, ink = sum+dark*x, ink+dark
		}
		got = append(got, (10*sum+ink/2)/max(ink, 1)) // tenths of a pixel
	}
	want := []int{269, 247, 216, 230, 278, 303}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tenths of pixels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(bent.Pix, a.Apply(rand.New(rand.NewPCG(7, 7)), p).Pix); diff != "" {
		t.Errorf("the same seed again (-first +second):\n%s", diff)
	}
}
