package bmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	library "golang.org/x/image/bmp"

	"siamese/imaging/internal/bmp"
	"siamese/imaging/internal/seeds"
)

var le = binary.LittleEndian

// variants are the files that package imaging holds against Pillow.
const variants = "../../../testdata/imaging/variants/bmp"

func always() error { return nil }

// file is a bitmap with a header of 40 bytes.
func file(width, height int32, bits uint16, compression uint32, rest []byte) []byte {
	out := append([]byte("BM"), make([]byte, 12)...)
	out = le.AppendUint32(out, 40)
	out = le.AppendUint32(le.AppendUint32(out, uint32(width)), uint32(height))
	out = le.AppendUint16(le.AppendUint16(out, 1), bits)
	out = append(le.AppendUint32(out, compression), make([]byte, 20)...)
	return append(out, rest...)
}

func decode(t *testing.T, data []byte) (image.Image, error) {
	t.Helper()
	h, err := bmp.Parse(data)
	if err != nil {
		return nil, err
	}
	return h.Decode(always)
}

func TestDecodeReadsWhatTheLibraryReads(t *testing.T) {
	gray, opaque := image.NewGray(image.Rect(0, 0, 11, 7)), image.NewNRGBA(image.Rect(0, 0, 11, 7))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * 3)
		copy(opaque.Pix[4*i:], []byte{byte(i), byte(3 * i), byte(200 - i), 255})
	}
	for _, want := range []image.Image{gray, opaque} {
		var out bytes.Buffer
		if err := library.Encode(&out, want); err != nil {
			t.Fatal(err)
		}
		got, err := decode(t, out.Bytes())
		if err != nil {
			t.Fatalf("Decode(%T) = %v", want, err)
		}
		comparePixels(t, got, want)
	}
}

func comparePixels(t *testing.T, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("bounds are %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			g, w := color.NRGBAModel.Convert(got.At(x, y)), color.NRGBAModel.Convert(want.At(x, y))
			if g != w {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, g, w)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"nothing", nil, "no whole header"},
		{"a header cut off", file(2, 2, 24, 0, nil)[:30], "no whole header"},
		{"a header of an unknown size", append(append([]byte("BM"), make([]byte, 12)...), 13, 0, 0, 0), "header of 13 bytes"},
		{"3 bits", file(2, 2, 3, 0, nil), "3 bits a pixel"},
		{"masks cut off", file(2, 2, 16, 3, []byte{1, 2}), "no whole masks"},
		{"masks of no bit", file(2, 2, 24, 3, make([]byte, 12)), "masks without a bit"},
		{"a JPEG inside", file(2, 2, 0, 4, nil), "a JPEG inside"},
		{"runs of 24 bits", file(2, 2, 24, 1, nil), "compression 1 of 24 bits"},
	}
	for _, tt := range tests {
		if _, err := bmp.Parse(tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%s) = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestCheckCountsThePixels(t *testing.T) {
	pixels := make([]byte, 12+9) // rows of three pixels of 24 bits, the last one not filled up
	for _, tt := range []struct {
		give int
		want bool
	}{{21, true}, {20, false}} {
		h, err := bmp.Parse(file(3, 2, 24, 0, pixels[:tt.give]))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(); (err == nil) != tt.want {
			t.Errorf("Check(%d bytes) = %v, want it to pass: %v", tt.give, err, tt.want)
		}
		if m, err := h.Decode(always); (err == nil) != tt.want || (m != nil) != tt.want {
			t.Errorf("Decode(%d bytes) = %v, want it to pass: %v", tt.give, err, tt.want)
		}
	}
}

func TestDecodeEndsWhenItIsTold(t *testing.T) {
	enough := errors.New("enough")
	rows := make([]byte, 64*64*4)
	runs := bytes.Repeat([]byte{1, 7}, 64*64)
	for name, give := range map[string][]byte{"rows": file(64, 64, 32, 0, rows), "runs": file(64, 64, 8, 1, append(make([]byte, 1024), runs...))} {
		h, err := bmp.Parse(give)
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
			t.Errorf("%s: Decode = %v after %d questions, want the error of the third", name, err, asked)
		}
	}
}

func TestIsFileAndIsHeader(t *testing.T) {
	whole := file(2, 2, 24, 0, nil)
	if !bmp.IsFile(whole) || bmp.IsFile([]byte("BM is no picture, and neither is this")) || bmp.IsFile(whole[:17]) {
		t.Error("IsFile takes other things for bitmaps, or bitmaps for other things")
	}
	if !bmp.IsHeader(whole[14:]) || bmp.IsHeader(whole) || bmp.IsHeader(make([]byte, 64)) || bmp.IsHeader(whole[14:20]) {
		t.Error("IsHeader takes other things for bitmaps, or bitmaps for other things")
	}
}

// fuzzPixels bounds what is decoded.
const fuzzPixels = 1 << 18

// FuzzDecode looks for panics, for images of other sizes than the header says, and for
// pixels that the library reads otherwise.
func FuzzDecode(f *testing.F) {
	seeds.Add(f, variants+"/*.bmp")
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := bmp.Parse(data)
		if err != nil || h.Width <= 0 || h.Height <= 0 || h.Width > fuzzPixels/h.Height {
			return
		}
		m, err := h.Decode(always)
		if err != nil {
			return
		}
		if size := m.Bounds().Size(); size != image.Pt(h.Width, h.Height) {
			t.Fatalf("Decode gave %v, the header says %dx%d", size, h.Width, h.Height)
		}
		want, err := library.Decode(bytes.NewReader(data))
		if _, indexed := want.(*image.Paletted); err == nil && indexed {
			comparePixels(t, m, want)
		}
	})
}
