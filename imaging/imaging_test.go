package imaging_test

import (
	"bytes"
	"image"
	"image/color"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
)

func TestNewRefusesBadConfig(t *testing.T) {
	tests := []struct {
		name       string
		giveConfig imaging.Config
		wantError  string
	}{
		{"width", imaging.Config{Width: -1}, "imaging: Width is -1, expected 0 (the default) to 4096"},
		{"height", imaging.Config{Height: 5000}, "imaging: Height is 5000, expected 0 (the default) to 4096"},
		{"rule", imaging.Config{Rule: 9}, "imaging: Rule is 9, expected ShorterSide or Letterbox"},
		{"alpha", imaging.Config{Alpha: -1}, "imaging: Alpha is -1, expected CompositeWhite or DropAlpha"},
		{"limit", imaging.Config{Limits: imaging.Limits{MaxPixels: -5}}, "imaging: Limits.MaxPixels is -5, expected 0 (the default) or more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := imaging.New(tt.giveConfig)
			if err == nil || err.Error() != tt.wantError {
				t.Errorf("New(%+v) = %v, want %q", tt.giveConfig, err, tt.wantError)
			}
		})
	}
}

func TestConfigFillsInDefaults(t *testing.T) {
	got := newPreparer(t, imaging.Config{Height: 64}).Config()
	want := imaging.Config{
		Width: 105, Height: 64,
		Limits: imaging.Limits{MaxBytes: 7 << 20, MaxPixels: 25_000_000, MaxSideRatio: 20, MinSide: 2, MaxDecodeBytes: 768 << 20},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Config() (-want +got):\n%s", diff)
	}
}

func TestPrepareKeepsPixelsOfTheRightSize(t *testing.T) {
	m := photo(105, 105)
	for _, rule := range []imaging.Rule{imaging.ShorterSide, imaging.Letterbox} {
		got, err := newPreparer(t, imaging.Config{Rule: rule}).Prepare(encodePNG(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if largest, _ := difference(t, got, m); largest != 0 {
			t.Errorf("Prepare by %s changed an image of the right size by %d levels", rule, largest)
		}
	}
}

func TestPrepareRoundsSixteenBits(t *testing.T) {
	const low, high = 0x00ff, 0xab00 // their high bytes are 0x00 and 0xab; v/257 rounds to 0x01 and 0xaa
	gray := image.NewGray16(image.Rect(0, 0, 2, 2))
	deep := image.NewNRGBA64(gray.Rect)
	for i := range 4 {
		gray.SetGray16(i%2, i/2, color.Gray16{Y: []uint16{low, high}[i%2]})
		deep.SetNRGBA64(i%2, i/2, color.NRGBA64{R: low, G: high, B: 0xffff, A: []uint16{0xffff, 0x8080}[i%2]})
	}
	tests := []struct {
		name      string
		giveImage image.Image
		wantRow   []byte
	}{
		{"gray", gray, []byte{1, 1, 1, 0xaa, 0xaa, 0xaa}},
		// On white at alpha 0x8080: 65535-(65535-c)·0x8080/65535, and that by 257.
		{"colour and alpha", deep, []byte{1, 0xaa, 0xff, 127, 213, 255}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newPreparer(t, imaging.Config{Width: 2, Height: 2}).Prepare(encodePNG(t, tt.giveImage))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.wantRow, got.Pix[:6]); diff != "" {
				t.Errorf("first row (-want +got):\n%s", diff)
			}
		})
	}
}

// One column of four at 100 of 255 and three at 100.55 are 100.41 on average. Rounded
// before the resize they would be 100 and 101, and 101 on average.
func TestPrepareKeepsSixteenBitsUntilAfterTheResize(t *testing.T) {
	const dark, light, period, want = 25700, 25841, 4, 100
	const side, output = 64, 16 // each sample's window weighs the four columns alike, but at the edges
	m := image.NewGray16(image.Rect(0, 0, side, side))
	for i := range side * side {
		level := uint16(light)
		if i%period == 0 {
			level = dark
		}
		m.SetGray16(i%side, i/side, color.Gray16{Y: level})
	}
	got := prepare(t, newPreparer(t, imaging.Config{Width: output, Height: output}), encodePNG(t, m))
	for x := 1; x < output-1; x++ {
		if v := got.Pix[(output/2*output+x)*3]; v != want {
			t.Errorf("column %d is %d, want %d", x, v, want)
		}
	}
}

func TestPrepareReadsLimitedRangeOfLossyWebP(t *testing.T) {
	got, err := newPreparer(t, imaging.Config{}).Prepare(readInput(t, "black-white.webp"))
	if err != nil {
		t.Fatal(err)
	}
	darkest, lightest := got.Pix[0], got.Pix[0]
	for _, v := range got.Pix {
		darkest, lightest = min(darkest, v), max(lightest, v)
	}
	// Planes taken for full range would give 12 and 241.
	if darkest > 2 || lightest < 253 {
		t.Errorf("black and white came out as %d and %d, want 0 and 255 within 2", darkest, lightest)
	}
}

func TestPrepareDoesNotKeepOrChangeBytes(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	encoded := readInput(t, "scene-160x120.png")
	before := bytes.Clone(encoded)
	first, err := p.Prepare(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded, before) {
		t.Error("Prepare changed the encoded bytes")
	}
	kept := bytes.Clone(first.Pix)
	if _, err := p.Prepare(readInput(t, "noise-61x47.png")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Pix, kept) {
		t.Error("the second Prepare changed the first picture")
	}
}

func TestPreparerIsSafeForConcurrentUse(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	names := []string{"baseline-420.jpg", "turned-6.png", "scene-17x90.png", "palette.gif", "lossy-alpha.webp"}
	want := make([]*imaging.Picture, len(names))
	for i, name := range names {
		var err error
		if want[i], err = p.Prepare(readInput(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range names {
				pick := (i + worker) % len(names)
				got, err := p.Prepare(readInput(t, names[pick]))
				if err != nil || !bytes.Equal(got.Pix, want[pick].Pix) {
					t.Errorf("Prepare(%s) gave another picture beside other calls (error %v)", names[pick], err)
				}
			}
		})
	}
	group.Wait()
}

func TestInspectReadsTheStoredSize(t *testing.T) {
	tests := []struct {
		giveInput string
		want      imaging.Header
	}{
		{"baseline-420.jpg", imaging.Header{Format: imaging.JPEG, Width: 240, Height: 180}},
		{"turned-6.jpg", imaging.Header{Format: imaging.JPEG, Width: 43, Height: 61}},
		{"palette-120x90.png", imaging.Header{Format: imaging.PNG, Width: 120, Height: 90}},
		{"animated.gif", imaging.Header{Format: imaging.GIF, Width: 118, Height: 84}},
		{"glyph.bmp", imaging.Header{Format: imaging.BMP, Width: 118, Height: 84}},
		{"rgb-lzw.tiff", imaging.Header{Format: imaging.TIFF, Width: 118, Height: 84}},
		{"lossy.webp", imaging.Header{Format: imaging.WebP, Width: 240, Height: 180}},
		{"lossy-alpha.webp", imaging.Header{Format: imaging.WebP, Width: 160, Height: 120}},
		{"lossless.webp", imaging.Header{Format: imaging.WebP, Width: 118, Height: 84}},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.giveInput, func(t *testing.T) {
			got, err := p.Inspect(readInput(t, tt.giveInput))
			if err != nil {
				t.Fatal(err)
			}
			got.Cost = imaging.Cost{} // TestCostBoundsMemory
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Inspect(%s) (-want +got):\n%s", tt.giveInput, diff)
			}
			if got.Pixels() != tt.want.Width*tt.want.Height {
				t.Errorf("Pixels() = %d, want %d", got.Pixels(), tt.want.Width*tt.want.Height)
			}
		})
	}
}

func TestHeaderIsLoggedBySizeAndFormat(t *testing.T) {
	header := imaging.Header{Format: imaging.PNG, Width: 3, Height: 4}
	const want = "[format=png width=3 height=4]"
	if got := header.LogValue().String(); got != want {
		t.Errorf("LogValue() = %s, want %s", got, want)
	}
}
