package png_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	library "image/png"
	"reflect"
	"strings"
	"testing"

	"siamese/imaging/internal/png"
	"siamese/imaging/internal/seeds"
)

// variants are the files that package imaging holds against Pillow.
const variants = "../../../testdata/imaging/variants/png"

func always() error { return nil }

// images are of each type that the library writes.
func images() []image.Image {
	box := image.Rect(0, 0, 47, 31)
	gray, deep, colors, alpha := image.NewGray(box), image.NewGray16(box), image.NewRGBA(box), image.NewNRGBA64(box)
	indexed := image.NewPaletted(box, color.Palette{color.Black, color.NRGBA{R: 200, A: 90}, color.White})
	for i := range gray.Pix {
		gray.Pix[i], indexed.Pix[i] = byte(i*7), byte(i%3)
		copy(deep.Pix[2*i:], []byte{byte(i), byte(i * 5)})
		copy(colors.Pix[4*i:], []byte{byte(i), byte(i * 3), byte(i * 5), 255})
		copy(alpha.Pix[8*i:], []byte{byte(i), 1, byte(i * 3), 2, byte(i * 5), 3, byte(i * 9), 4})
	}
	return []image.Image{gray, deep, colors, alpha, indexed}
}

func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := library.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func restore(t *testing.T, data []byte, ask func() error) (image.Image, error) {
	t.Helper()
	h, err := png.Parse(data)
	if err != nil {
		return nil, err
	}
	return h.Restore(ask)
}

func TestRestoreChangesNothingThatIsSound(t *testing.T) {
	for _, m := range images() {
		data := encode(t, m)
		if h, err := png.Parse(data); err != nil || !h.Sound() {
			t.Errorf("%T: Sound = false (%v), want true", m, err)
		}
		want, err := library.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := restore(t, data, always)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T: Restore = %v, want the library's image", m, err)
		}
	}
}

func TestSoundKnowsWhatTheLibraryRefuses(t *testing.T) {
	data := encode(t, images()[0])
	at := bytes.Index(data, []byte("IDAT"))
	for name, give := range map[string][]byte{
		"no end":              data[:len(data)-12],
		"a changed pixel":     append(append(bytes.Clone(data[:at+20]), data[at+20]^1), data[at+21:]...),
		"a palette in grey":   bytes.Replace(data, data[at-4:at], append([]byte("\x00\x00\x00\x03PLTE\x01\x02\x03\x44\x1c\xd6\xdf"), data[at-4:at]...), 1),
		"bytes behind pixels": append(bytes.Clone(data[:len(data)-12]), "junk"...),
	} {
		h, err := png.Parse(give)
		if err != nil {
			t.Errorf("%s: Parse = %v", name, err)
		}
		if h.Sound() {
			t.Errorf("%s: Sound = true, want false", name)
		}
		if _, err := library.Decode(bytes.NewReader(give)); err == nil {
			t.Errorf("%s: the library reads it", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	data := encode(t, images()[0])
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"nothing", nil, "no signature"},
		{"a signature alone", data[:8], "it ends before the pixels"},
		{"an end at once", append(bytes.Clone(data[:8]), data[len(data)-12:]...), "it ends before the pixels"},
		{"no header", append(bytes.Clone(data[:8]), data[33:]...), "no IHDR"},
		{"a changed header", append(append(bytes.Clone(data[:20]), data[20]^1), data[21:]...), "the checksum of IHDR is wrong"},
		{"a kind of no letters", bytes.Replace(data, []byte("IHDR"), []byte("I\x00DR"), 1), `a chunk of kind "I\x00DR"`},
	}
	for _, tt := range tests {
		if _, err := png.Parse(tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%s) = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestRestoreEndsWhenItIsTold(t *testing.T) {
	enough := errors.New("enough")
	data := encode(t, image.NewNRGBA(image.Rect(0, 0, 200, 200))) // 160 kB
	asked := 0
	_, err := restore(t, data, func() error {
		if asked++; asked == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || asked != 3 {
		t.Errorf("Restore = %v after %d questions, want the error of the third", err, asked)
	}
}

func TestUnpackedCountsEachPass(t *testing.T) {
	tests := []struct {
		name string
		give png.Header
		want int64
	}{
		{"rows of whole bytes", png.Header{Width: 9, Height: 2, Depth: 8}, 2 * 10},
		{"rows of bits", png.Header{Width: 9, Height: 2, Depth: 1}, 2 * 3},
		{"a pixel in passes", png.Header{Width: 1, Height: 1, Depth: 8, Interlaced: true}, 2},
		{"all passes", png.Header{Width: 8, Height: 8, Depth: 8, Interlaced: true}, 64 + 15},
	}
	for _, tt := range tests {
		if got := tt.give.Unpacked(); got != tt.want {
			t.Errorf("Unpacked(%s) = %d, want %d", tt.name, got, tt.want)
		}
	}
}

// fuzzPixels bounds what is decoded.
const fuzzPixels = 1 << 18

// FuzzRestore looks for panics, for images of other sizes than the header says, and for
// images that the library reads otherwise or alone.
func FuzzRestore(f *testing.F) {
	seeds.Add(f, variants+"/*.png")
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := png.Parse(data)
		if err != nil || h.Width <= 0 || h.Height <= 0 || h.Width > fuzzPixels/h.Height {
			return
		}
		got, err := h.Restore(always)
		if err == nil && got.Bounds().Size() != image.Pt(h.Width, h.Height) {
			t.Fatalf("Restore gave %v, the header says %dx%d", got.Bounds().Size(), h.Width, h.Height)
		}
		if !h.Sound() {
			return
		}
		want, other := library.Decode(bytes.NewReader(data))
		if other == nil && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Fatalf("Restore = %v, want the library's image", err)
		}
	})
}
