package gif_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	library "image/gif"
	"strings"
	"testing"

	"siamese/imaging/internal/gif"
	"siamese/imaging/internal/seeds"
)

// variants are the files that package imaging holds against Pillow.
const variants = "../../../testdata/imaging/variants/gif"

func always() error { return nil }

// encoded is an image as the library writes it.
func encoded(t *testing.T, width, height int) ([]byte, *image.Paletted) {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, width, height), palette.Plan9)
	for i := range m.Pix {
		m.Pix[i] = byte(i * i / 7)
	}
	var out bytes.Buffer
	if err := library.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), m
}

func TestDecodeReadsWhatTheLibraryWrites(t *testing.T) {
	data, want := encoded(t, 123, 77)
	h, err := gif.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Decode(always)
	if err != nil || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("Decode = %v, want the indices that were written", err)
	}
}

func TestParseRefuses(t *testing.T) {
	const screen = "GIF89a\x08\x00\x08\x00\x00\x00\x00"
	tests := []struct {
		name, give, want string
		begun            bool
	}{
		{"nothing", "", "no whole screen", false},
		{"a screen alone", screen, "no frame", true},
		{"a trailer at once", screen + ";", "no frame", true},
		{"an extension cut off", screen + "!\xf9\x04\x00", "no frame", true},
		{"a frame cut off", screen + ",\x00\x00", "no whole frame", true},
		{"a frame of no row", screen + ",\x00\x00\x00\x00\x08\x00\x00\x00\x00", "a frame of 8x0", true},
		{"no pixels", screen + ",\x00\x00\x00\x00\x08\x00\x08\x00\x00", "no pixels", true},
		{"pixels of 13 bits", screen + ",\x00\x00\x00\x00\x08\x00\x08\x00\x00\x0d", "pixels of 13 bits", true},
	}
	for _, tt := range tests {
		h, err := gif.Parse([]byte(tt.give))
		if err == nil || !strings.Contains(err.Error(), tt.want) || h.Begun != tt.begun {
			t.Errorf("Parse(%s) = %v, %v, want %v, %q", tt.name, h.Begun, err, tt.begun, tt.want)
		}
	}
}

func TestDecodeEndsWhenItIsTold(t *testing.T) {
	enough := errors.New("enough")
	data, _ := encoded(t, 300, 300)
	h, err := gif.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	_, err = h.Decode(func() error {
		if asked++; asked == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || asked != 3 {
		t.Errorf("Decode = %v after %d questions, want the error of the third", err, asked)
	}
}

// Empty blocks are passed over, but megabytes of them are no reason to ask at each.
func TestEmptyBlocksAreRarelyAskedAt(t *testing.T) {
	const blocks = 1 << 16
	give := append([]byte("GIF89a\x08\x00\x08\x00\x00\x00\x00,\x00\x00\x00\x00\x08\x00\x08\x00\x00\x02"), make([]byte, blocks)...)
	h, err := gif.Parse(give)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	_, err = h.Decode(func() error { asked++; return nil })
	if err == nil || asked < 2 || asked > blocks/100 {
		t.Errorf("Decode = %v after %d questions, want an error and %d at most", err, asked, blocks/100)
	}
}

// fuzzPixels bounds what is decoded.
const fuzzPixels = 1 << 18

// FuzzDecode looks for panics, for images of other sizes than the header says, and for
// pixels that the library reads otherwise.
func FuzzDecode(f *testing.F) {
	seeds.Add(f, variants+"/*.gif")
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := gif.Parse(data)
		if err != nil || h.Width <= 0 || h.Height <= 0 || h.Width > fuzzPixels/h.Height {
			return
		}
		got, err := h.Decode(always)
		if err == nil && got.Rect.Size() != image.Pt(h.Width, h.Height) {
			t.Fatalf("Decode gave %v, the header says %dx%d", got.Rect.Size(), h.Width, h.Height)
		}
		want, other := library.Decode(bytes.NewReader(data))
		if other != nil || err != nil {
			return
		}
		compareFrame(t, got, want.(*image.Paletted))
	})
}

// compareFrame compares the colours inside the library's frame. Where it knows none for
// an index, it refuses, or the index is the transparent one.
func compareFrame(t *testing.T, got, want *image.Paletted) {
	t.Helper()
	if !want.Rect.In(got.Rect) {
		t.Fatalf("the library's frame is %v, the screen %v", want.Rect, got.Rect)
	}
	for y := want.Rect.Min.Y; y < want.Rect.Max.Y; y++ {
		for x := want.Rect.Min.X; x < want.Rect.Max.X; x++ {
			index := want.ColorIndexAt(x, y)
			if got.ColorIndexAt(x, y) != index {
				t.Fatalf("index at %d,%d is %d, the library's %d", x, y, got.ColorIndexAt(x, y), index)
			}
			g, w := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(want.At(x, y)).(color.NRGBA)
			if g.A != w.A || w.A != 0 && g != w {
				t.Fatalf("colour at %d,%d is %v, the library's %v", x, y, g, w)
			}
		}
	}
}
