package augment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
)

const corpus = "../../testdata/augment"

const (
	// Two operations may be one level off in one sample of a hundred, all others not
	// at all: they do the same whole-number or floating-point arithmetic.
	//   - affine: bilinearWarp's fixed point falls on the other side of a whole level
	//     where the true value is one, and fractions are cut off;
	//   - hsv: likewise where OpenCV's vectors fuse a multiplication and an addition.
	closeLevels = 1
	closeShare  = 0.01
)

// goldenCase is one entry of cases.json, written by scripts/augment_goldens.py.
type goldenCase struct {
	Op     string    `json:"op"`
	Input  string    `json:"input"`
	Args   []float64 `json:"args"`
	Top    int       `json:"top"` // of the result in want/INPUT.png, which is at its left
	Width  int       `json:"width"`
	Height int       `json:"height"`
}

// run does what the case says.
func (c goldenCase) run(p *imaging.Picture) (*imaging.Picture, error) {
	simple := map[string]func(*imaging.Picture, float64) *imaging.Picture{
		"shearX": shearX, "rotate": rotate, "color": color, "contrast": contrast, "sharpness": sharpness,
		"posterize": posterize, "solarize": solarize, "autocontrast": autoContrast, "equalize": equalize,
		"invert": invert, "turn": turn,
	}
	if apply, ok := simple[c.Op]; ok {
		return apply(p, c.Args[0]), nil
	}
	whole := make([]int, len(c.Args))
	for i, v := range c.Args {
		whole[i] = int(v)
	}
	switch c.Op {
	case "flip":
		return flip(p), nil
	case "affine":
		return warped(p, matrix{c.Args[0], c.Args[1], c.Args[2], c.Args[3], c.Args[4], c.Args[5]}, 255), nil
	case "thicken":
		return spread(p, whole[0]), nil
	case "thin":
		return spread(p, -whole[0]), nil
	case "hsv":
		return gains{c.Args[0], c.Args[1], c.Args[2]}.apply(p), nil
	case "resized_crop":
		box := image.Rect(whole[0], whole[1], whole[0]+whole[2], whole[1]+whole[3])
		return p.Crop(box).Resize(whole[4], whole[5], imaging.Bilinear), nil
	case "place":
		scaled := p.Resize(whole[0], whole[1], imaging.Bicubic)
		return placed(scaled, size{whole[4], whole[5]}, whole[2], whole[3]), nil
	case "policy":
		for _, half := range imageNetPolicies[whole[0]] {
			p = half.operation.perform(p, half.index, c.Args[1])
		}
		return p, nil
	}
	return nil, fmt.Errorf("unknown operation %q", c.Op)
}

func warped(p *imaging.Picture, m matrix, fill uint8) *imaging.Picture {
	out := sizeOf(p).empty()
	from := rasterOf(p)
	bilinearWarp(out.Pix, &from, m, fill)
	return out
}

func spread(p *imaging.Picture, radius int) *imaging.Picture {
	return &imaging.Picture{Width: p.Width, Height: p.Height, Pix: rasterOf(p).spread(radius).pix}
}

// tolerance is the largest difference in levels, and in how many samples of n.
func (c goldenCase) tolerance(n int) (levels, samples int) {
	if c.Op == "affine" || c.Op == "hsv" {
		return closeLevels, int(closeShare * float64(n))
	}
	return 0, 0
}

func TestOperationsEqualOriginals(t *testing.T) {
	done := map[string]bool{}
	sheets := map[string]*imaging.Picture{} // decoded once
	for _, tt := range goldenCases(t) {
		done[tt.Op] = true
		if sheets[tt.Input] == nil {
			sheets[tt.Input] = readPicture(t, "want", tt.Input)
		}
		t.Run(fmt.Sprintf("%s.%s%v", tt.Input, tt.Op, tt.Args), func(t *testing.T) {
			p := readPicture(t, "input", tt.Input)
			before := string(p.Pix)
			got, err := tt.run(p)
			if err != nil {
				t.Fatal(err)
			}
			want := sheets[tt.Input].Crop(image.Rect(0, tt.Top, tt.Width, tt.Top+tt.Height))
			if sizeOf(got) != sizeOf(want) {
				t.Fatalf("%s%v is %v, want %v", tt.Op, tt.Args, sizeOf(got), sizeOf(want))
			}
			levels, samples := tt.tolerance(len(got.Pix))
			if largest, count := difference(got, want); largest > levels || count > samples {
				t.Errorf("%s%v differs from the original in %d samples by up to %d levels, want up to %d samples and %d levels",
					tt.Op, tt.Args, count, largest, samples, levels)
			}
			if string(p.Pix) != before {
				t.Errorf("%s%v changed its input", tt.Op, tt.Args)
			}
		})
	}
	const operations = 19 // those of scripts/augment_goldens.py
	if len(done) != operations {
		t.Errorf("cases.json has %d operations, want %d", len(done), operations)
	}
}

func goldenCases(tb testing.TB) []goldenCase {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, "cases.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(data, &cases); err != nil {
		tb.Fatal(err)
	}
	return cases
}

// readPicture decodes a PNG of the corpus, which are opaque.
func readPicture(tb testing.TB, folder, name string) *imaging.Picture {
	tb.Helper()
	encoded, err := os.ReadFile(filepath.Join(corpus, folder, name+".png"))
	if err != nil {
		tb.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	box := decoded.Bounds()
	p := size{width: box.Dx(), height: box.Dy()}.empty()
	for i := 0; i < len(p.Pix); i += 3 {
		r, g, b, _ := decoded.At(i/3%p.Width, i/3/p.Width).RGBA()
		p.Pix[i], p.Pix[i+1], p.Pix[i+2] = byte(r>>8), byte(g>>8), byte(b>>8)
	}
	return p
}

// difference returns the largest difference in levels and how many samples differ.
func difference(a, b *imaging.Picture) (largest, count int) {
	for i := range a.Pix {
		if diff := max(a.Pix[i], b.Pix[i]) - min(a.Pix[i], b.Pix[i]); diff > 0 {
			largest = max(largest, int(diff))
			count++
		}
	}
	return largest, count
}
