package netpbm_test

import (
	"errors"
	"image"
	"reflect"
	"strings"
	"testing"

	"siamese/imaging/internal/netpbm"
	"siamese/imaging/internal/seeds"
)

// variants are the files that package imaging holds against Pillow.
const variants = "../../../testdata/imaging/variants/pnm"

func always() error { return nil }

func TestDecode(t *testing.T) {
	tests := []struct {
		give string
		want []byte // of Pix
	}{
		{"P1 3 2 # rows\n1 0 1\n010", []byte{0, 255, 0, 255, 0, 255}},
		{"P4 3 2\n\xa0\x40", []byte{0, 255, 0, 255, 0, 255}},
		{"P2\n2 1 4\n0 3", []byte{0, 191}}, // 191.25
		{"P2\n2 1 2\n0 1", []byte{0, 128}}, // 127.5, to even
		{"P5 2 1 255\n\x07\xf0", []byte{7, 240}},
		{"P5 2 1 65535\n\x07\x01\xf0\x02", []byte{7, 1, 240, 2}},
		{"P3 1 1 5 1 2 5", []byte{51, 102, 255, 255}},
		{"P6 1 1 255 \x01\x02\x03", []byte{1, 2, 3, 255}},
		{"P6 1 1 65535 \xff\xff\x80\x00\x00\x00", []byte{255, 128, 0, 255}},
	}
	for _, tt := range tests {
		h, err := netpbm.Parse([]byte(tt.give))
		if err != nil {
			t.Errorf("Parse(%q) = %v", tt.give, err)
			continue
		}
		m, err := h.Decode(always)
		if err != nil {
			t.Errorf("Decode(%q) = %v", tt.give, err)
			continue
		}
		if got := reflect.ValueOf(m).Elem().FieldByName("Pix").Bytes(); !reflect.DeepEqual(got, tt.want) || int64(len(got)) != h.Bytes() {
			t.Errorf("Decode(%q) = %v of %d bytes, want %v", tt.give, got, h.Bytes(), tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for give, want := range map[string]string{
		"":                          "no kind of picture",
		"P8 1 1 1 1":                "no kind of picture",
		"P5 2":                      "the pixels end",
		"P5 2 x 255\n":              `'x' in a number`,
		"P5 12345678901 1 1\n":      `'1' in a number`,
		"P5 1 1 65536\n\x01\x01":    "white is level 65536",
		"P5 1 1 0\n\x01":            "white is level 0",
		"P5 2 2 255\n123":           "3 bytes of pixels, 2x2 take 4 at least",
		"P5 2 2 256\n1234567":       "7 bytes of pixels, 2x2 take 8 at least",
		"P4 9 2\n123":               "3 bytes of pixels, 9x2 take 4 at least",
		"P1 2 2\n012 1":             `'2' among bits`,
		"P1 2 2\n01       1":        "the pixels end",
		"P2 2 1 9\n1 10":            "level 10, where white is 9",
		"P2 2 1 9\n1  \n#  \n   \n": "the pixels end",
	} {
		h, err := netpbm.Parse([]byte(give))
		if err == nil {
			_, err = h.Decode(always)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode(%q) = %v, want %q", give, err, want)
		}
	}
}

func TestDecodeEndsWhenItIsTold(t *testing.T) {
	enough := errors.New("enough")
	h, err := netpbm.Parse([]byte("P5 2 9 255\n" + strings.Repeat("x", 18)))
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

// fuzzPixels bounds what is decoded.
const fuzzPixels = 1 << 18

// FuzzDecode looks for panics and for images of other sizes than the header says.
func FuzzDecode(f *testing.F) {
	seeds.Add(f, variants+"/*.p?m")
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := netpbm.Parse(data)
		if err != nil || h.Width <= 0 || h.Height <= 0 || h.Width > fuzzPixels/h.Height {
			return
		}
		m, err := h.Decode(always)
		if err == nil && m.Bounds().Size() != image.Pt(h.Width, h.Height) {
			t.Fatalf("Decode gave %v, the header says %dx%d", m.Bounds().Size(), h.Width, h.Height)
		}
	})
}
