package imaging_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
)

const corpus = "../testdata/imaging"

const (
	// Where both sides decode to the same pixels, ours equal Pillow's: the
	// arithmetic is the same whole-number arithmetic.
	exactMaxDiff = 0
	// JPEG and WebP leave the rounding of their transforms to the decoder. Measured
	// over the corpus: 0.09 levels on average and 3 at most.
	lossyMeanDiff = 0.25
	lossyMaxDiff  = 6
)

// goldenCase is one entry of cases.json, written by scripts/imaging_goldens.py.
type goldenCase struct {
	Input   string `json:"input"`
	Rule    string `json:"rule"`
	Alpha   string `json:"alpha"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Decoder string `json:"decoder"` // exact or lossy
	Want    string `json:"want"`
}

func (c goldenCase) config(t *testing.T) imaging.Config {
	t.Helper()
	config := imaging.Config{Width: c.Width, Height: c.Height}
	switch c.Rule {
	case imaging.ShorterSide.String():
	case imaging.Letterbox.String():
		config.Rule = imaging.Letterbox
	default:
		t.Fatalf("unknown rule %q", c.Rule)
	}
	switch c.Alpha {
	case imaging.CompositeWhite.String():
	case imaging.DropAlpha.String():
		config.Alpha = imaging.DropAlpha
	default:
		t.Fatalf("unknown alpha %q", c.Alpha)
	}
	return config
}

func TestPrepareEqualsPillow(t *testing.T) {
	for _, tt := range goldenCases(t) {
		t.Run(tt.Input+"."+tt.Rule+"."+tt.Alpha, func(t *testing.T) {
			got, err := newPreparer(t, tt.config(t)).Prepare(readInput(t, tt.Input))
			if err != nil {
				t.Fatalf("Prepare(%s) = %v", tt.Input, err)
			}
			largest, mean := difference(t, got, readWant(t, tt.Want))
			switch {
			case tt.Decoder == "exact" && largest > exactMaxDiff:
				t.Errorf("Prepare(%s) differs from Pillow by up to %d levels, want %d", tt.Input, largest, exactMaxDiff)
			case tt.Decoder == "lossy" && (mean > lossyMeanDiff || largest > lossyMaxDiff):
				t.Errorf("Prepare(%s) differs from Pillow by %.2f levels on average and %d at most, want %.2f and %d",
					tt.Input, mean, largest, lossyMeanDiff, lossyMaxDiff)
			}
		})
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
	if len(cases) == 0 {
		tb.Fatal("cases.json has no cases")
	}
	return cases
}

func readInput(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, "input", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func readWant(tb testing.TB, name string) image.Image {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, "want", name))
	if err != nil {
		tb.Fatal(err)
	}
	return decodePNG(tb, data)
}

func decodePNG(tb testing.TB, data []byte) image.Image {
	tb.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	return picture
}

// difference returns the largest and the mean absolute difference, in levels.
func difference(tb testing.TB, got *imaging.Picture, want image.Image) (largest int, mean float64) {
	tb.Helper()
	if size := want.Bounds().Size(); size != image.Pt(got.Width, got.Height) {
		tb.Fatalf("picture is %dx%d, want %v", got.Width, got.Height, size)
	}
	sum := 0
	for i, level := range got.Pix {
		r, g, b, _ := want.At(i/3%got.Width, i/3/got.Width).RGBA()
		diff := int(level) - int([3]uint32{r, g, b}[i%3]>>8)
		if diff < 0 {
			diff = -diff
		}
		sum += diff
		largest = max(largest, diff)
	}
	return largest, float64(sum) / float64(len(got.Pix))
}

func newPreparer(tb testing.TB, config imaging.Config) *imaging.Preparer {
	tb.Helper()
	p, err := imaging.New(config)
	if err != nil {
		tb.Fatalf("New(%+v) = %v", config, err)
	}
	return p
}
