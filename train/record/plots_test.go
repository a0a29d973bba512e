package record_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"testing"

	"siamese/imaging"
	"siamese/train/record"
)

var (
	blue   = color.RGBA{0x1f, 0x77, 0xb4, 0xff}
	orange = color.RGBA{0xff, 0x7f, 0x0e, 0xff}
)

func TestROCDrawsEachCurve(t *testing.T) {
	curve := record.ROCCurve{
		Name:         "any alphabet",
		FalseAccepts: []float64{0, 0.01, 0.1, 1},
		TrueAccepts:  []float64{0, 0.8, 0.97, 1},
		AreaUnder:    0.98, EqualError: 0.06,
	}
	second := curve
	second.TrueAccepts = []float64{0, 0.5, 0.8, 1}
	one, err := record.ROC(curve)
	if err != nil {
		t.Fatal(err)
	}
	two, err := record.ROC(curve, second)
	if err != nil {
		t.Fatal(err)
	}
	if colours := coloursOf(decodePNG(t, one)); colours[blue] == 0 || colours[orange] != 0 {
		t.Errorf("one curve: %d blue and %d orange pixels, want blue ones only", colours[blue], colours[orange])
	}
	if colours := coloursOf(decodePNG(t, two)); colours[blue] == 0 || colours[orange] == 0 {
		t.Errorf("two curves: %d blue and %d orange pixels, want both", colours[blue], colours[orange])
	}
}

func TestROCRefuses(t *testing.T) {
	_, err := record.ROC()
	wantError(t, err, "received 0 curves, expected 1 to 4")
	_, err = record.ROC(record.ROCCurve{Name: "a", FalseAccepts: []float64{0, 1}, TrueAccepts: []float64{0}})
	wantError(t, err, `curve "a" has 2 and 1 shares`)
	_, err = record.ROC(record.ROCCurve{Name: "a"})
	wantError(t, err, `curve "a" has 0 and 0 shares`)
	_, err = record.ROC(record.ROCCurve{Name: "a", FalseAccepts: []float64{nan}, TrueAccepts: []float64{0}})
	wantError(t, err, "NaN")
}

func TestReliabilityDotsGrowWithTheirPairs(t *testing.T) {
	dots := func(few, many int) int {
		encoded, err := record.Reliability(record.ReliabilityCurve{Name: "before", Points: []record.ReliabilityPoint{
			{Similarity: 0.1, Same: 0.2, Count: few}, {}, {Similarity: 0.9, Same: 0.7, Count: many},
		}})
		if err != nil {
			t.Fatal(err)
		}
		picture := decodePNG(t, encoded).(interface {
			SubImage(image.Rectangle) image.Image
		})
		// The lower left quarter of the plot holds the first dot, the upper right the second.
		return coloursOf(picture.SubImage(image.Rect(50, 300, 300, 560)))[blue]
	}
	if small, large := dots(1, 1000), dots(1000, 1); small >= large {
		t.Errorf("blue pixels about the first dot: %d for few pairs, %d for many, want more for many", small, large)
	}
}

func TestReliabilityRefuses(t *testing.T) {
	_, err := record.Reliability()
	wantError(t, err, "received 0 curves, expected 1 to 4")
	_, err = record.Reliability(record.ReliabilityCurve{Name: "a", Points: make([]record.ReliabilityPoint, 10)})
	wantError(t, err, `curve "a": no bin holds a pair`)
}

func TestSheetHoldsThePicturesUnchanged(t *testing.T) {
	pairs := make([]record.Pair, 10)
	for i := range pairs {
		pairs[i] = record.Pair{A: plain(40, 30, 7, 77, byte(i)), B: plain(40, 30, 8, 88, byte(i)), Same: i%2 == 0}
	}
	encoded, err := record.Sheet(pairs)
	if err != nil {
		t.Fatal(err)
	}
	colours := coloursOf(decodePNG(t, encoded))
	for i := range pairs {
		for _, c := range []color.RGBA{{7, 77, byte(i), 0xff}, {8, 88, byte(i), 0xff}} {
			if got := colours[c]; got != 40*30 {
				t.Errorf("pair %d: %d pixels are %v, want %d", i+1, got, c, 40*30)
			}
		}
	}
	if colours[color.RGBA{0, 0x80, 0, 0xff}] == 0 || colours[color.RGBA{0x8b, 0x45, 0x13, 0xff}] == 0 {
		t.Error("a label is missing, want green and brown ones")
	}
}

// TestSheetColumns: columns stay apart whatever their length, and text is within its cell.
func TestSheetColumns(t *testing.T) {
	pair := func(blue byte) record.Pair {
		return record.Pair{
			A: plain(40, 30, 7, 77, blue), B: plain(40, 30, 8, 88, blue), Same: true,
			Note: "0.123 and much more than has room", Under: []string{"one", "and another that is much too long"},
		}
	}
	encoded, err := record.SheetColumns([]record.Pair{pair(1)}, nil, []record.Pair{pair(2), pair(3)})
	if err != nil {
		t.Fatal(err)
	}
	sheet := decodePNG(t, encoded)
	// Cells are 40·2+2+2·10 wide and 17+30+2·12+10 high, and a margin of 10 is below.
	if got, want := sheet.Bounds().Size(), image.Pt(3*102, 2*81+10); got != want {
		t.Fatalf("the sheet is of %v, want %v", got, want)
	}
	for place, want := range map[image.Point]color.RGBA{
		{X: 10, Y: 17}: {7, 77, 1, 0xff}, {X: 52, Y: 46}: {8, 88, 1, 0xff},
		{X: 214, Y: 17}: {7, 77, 2, 0xff}, {X: 214, Y: 98}: {7, 77, 3, 0xff},
	} {
		if got := color.RGBAModel.Convert(sheet.At(place.X, place.Y)); got != want {
			t.Errorf("at %v = %v, want %v", place, got, want)
		}
	}
	ground := color.RGBA{0xe8, 0xe8, 0xe8, 0xff}
	for x := 92; x < 214; x++ { // the margins and the empty column between
		for y := range sheet.Bounds().Dy() {
			if got := color.RGBAModel.Convert(sheet.At(x, y)); got != ground {
				t.Fatalf("at %d,%d = %v, want the ground: text is cut at the pair's width", x, y, got)
			}
		}
	}
}

// TestBars: bars, their errors and the line of chance are there; what is no share is
// refused.
func TestBars(t *testing.T) {
	encoded, err := record.Bars("One-shot", "right", 0.2, record.Bar{Name: "similarity", Value: 0.8, StdErr: 0.05}, record.Bar{Name: "hash", Value: 0.4, StdErr: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	picture := decodePNG(t, encoded)
	if got, want := picture.Bounds().Size(), image.Pt(600, 400); got != want {
		t.Errorf("the plot is of %v, want %v", got, want)
	}
	higher, lower := 0, 0
	for y := range 400 {
		left, right := false, false
		for x := range 600 {
			blue := color.RGBAModel.Convert(picture.At(x, y)) == color.RGBA{0x1f, 0x77, 0xb4, 0xff}
			left, right = left || blue && x < 300, right || blue && x > 330
		}
		if left {
			higher++
		}
		if right {
			lower++
		}
	}
	// One share is twice the other; edges may take a row.
	if higher < 100 || higher-2*lower > 3 || 2*lower-higher > 3 {
		t.Errorf("bars of 0.8 and 0.4 are %d and %d rows high, want twice as many", higher, lower)
	}
	for _, give := range [][]record.Bar{nil, {{Value: 2}}, {{Value: math.NaN()}}, {{StdErr: -1}}} {
		if _, err := record.Bars("", "", 0, give...); err == nil {
			t.Errorf("Bars(%v) = nil error, want one", give)
		}
	}
}

func TestSheetRefuses(t *testing.T) {
	good := record.Pair{A: plain(4, 4, 0, 0, 0), B: plain(4, 4, 0, 0, 0)}
	tests := []struct {
		name string
		give []record.Pair
		want string
	}{
		{"no pairs", nil, "received 0 pairs, expected 1 to 64"},
		{"too many", slices.Repeat([]record.Pair{good}, 65), "received 65 pairs"},
		{"no first picture", []record.Pair{{}}, "pair 1 lacks a picture"},
		{"no second picture", []record.Pair{good, {A: good.A}}, "pair 2: a picture is missing"},
		{"another size", []record.Pair{{A: good.A, B: plain(4, 5, 0, 0, 0)}}, "pair 1: a picture is of 4x5 in 60 bytes, expected 4x4 in 48"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := record.Sheet(tt.give)
			wantError(t, err, tt.want)
		})
	}
}

// plain is a picture of one colour.
func plain(width, height int, r, g, b byte) *imaging.Picture {
	return &imaging.Picture{Width: width, Height: height, Pix: bytes.Repeat([]byte{r, g, b}, width*height)}
}

func encodePNG(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}
