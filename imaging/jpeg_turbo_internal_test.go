//go:build turbo

package imaging

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"
	"testing"

	"siamese/imaging/internal/jpegfile"
)

// libturbojpeg is held against the standard library's decoder, which the tests of
// the package without the tag hold against Pillow. They all run with the tag, too.

// tolerance bounds how far a picture may be off the one that the standard
// library's decoder leads to, in levels.
type tolerance struct {
	largest int
	mean    float64
}

// tolerances are by divisor. Measured: 2 and 0.01 not shrunk, where decoders only
// round differently; 4 and 0.28 by 2; 6 and 0.35 by 4; 17 and 0.64 by 8, the
// largest at an edge within a block, where the encoder's filling comes in. Were
// such an edge taken for whole, means would be 0.6, 2.3 and 2.3.
var tolerances = map[int]tolerance{1: {4, 0.1}, 2: {8, 0.4}, 4: {10, 0.5}, 8: {20, 0.8}}

type agreementCase struct {
	name        string
	giveData    []byte
	giveConfig  Config
	wantDivisor int
}

func TestShrunkPicturesAgreeWithPureOnes(t *testing.T) {
	hills, dusk := readPhoto(t, "hills.jpg"), readPhoto(t, "hills_dusk.jpg")
	oddSides := encodeScene(t, 877, 533)
	tests := []agreementCase{
		{"hills", hills, Config{}, 2},
		{"dusk", dusk, Config{}, 2},
		{"letterbox", hills, Config{Rule: Letterbox}, 2},
		{"distorted", hills, Config{Width: 160, Height: 40}, 2},
		{"output of 60", hills, Config{Width: 60, Height: 60}, 4},
		{"output of 16", hills, Config{Width: 16, Height: 16}, 8},
		{"output of 224", hills, Config{Width: 224, Height: 224}, 1},
		{"odd sides by 2", oddSides, Config{}, 2},
		{"odd sides by 4", encodeScene(t, 1101, 933), Config{}, 4},
		{"odd sides by 8", encodeScene(t, 1877, 1709), Config{}, 8},
		{"gray", grayOf(t, encodeScene(t, 501, 643)), Config{}, 2},
	}
	for turn := upright; turn <= quarterTurnRight; turn++ {
		tests = append(tests, agreementCase{fmt.Sprintf("orientation %d", turn), turnedJPEG(oddSides, turn), Config{}, 2})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			work, p := taskOf(t, tt.giveConfig, tt.giveData)
			if _, taken := work.shrinkJPEG(new(scratch)); !taken || work.divisor() != tt.wantDivisor {
				t.Fatalf("taken = %t, shrunk by %d, want true and %d", taken, work.divisor(), tt.wantDivisor)
			}
			got, err := p.Prepare(tt.giveData)
			if err != nil {
				t.Fatal(err)
			}
			largest, mean := levelsApart(got.Pix, preparePure(t, p, work).Pix)
			if want := tolerances[tt.wantDivisor]; largest > want.largest || mean > want.mean {
				t.Errorf("differs from the pure decoder's picture by %d levels at most and %.2f on average, want %d and %.2f",
					largest, mean, want.largest, want.mean)
			}
		})
	}
}

func TestDivisorKeepsTwiceTheSamples(t *testing.T) {
	tests := []struct {
		giveStored, giveNeeded image.Point
		want                   int
	}{
		{image.Pt(640, 480), image.Pt(140, 105), 2},
		{image.Pt(420, 420), image.Pt(105, 105), 2},
		{image.Pt(420, 419), image.Pt(105, 105), 1},
		{image.Pt(419, 420), image.Pt(105, 105), 1},
		{image.Pt(840, 840), image.Pt(105, 105), 4},
		{image.Pt(1680, 1680), image.Pt(105, 105), 8},
		{image.Pt(5000, 5000), image.Pt(105, 105), 8},
		{image.Pt(2, 2), image.Pt(105, 105), 1},
		{image.Pt(4, 4), image.Pt(1, 1), 2},
	}
	for _, tt := range tests {
		work := task{header: Header{Width: tt.giveStored.X, Height: tt.giveStored.Y}, needed: tt.giveNeeded}
		if got := work.divisor(); got != tt.want {
			t.Errorf("divisor of %v for %v = %d, want %d", tt.giveStored, tt.giveNeeded, got, tt.want)
		}
	}
}

func TestOtherImagesAreLeftToThePureDecoder(t *testing.T) {
	photo := readPhoto(t, "hills.jpg")
	tests := []struct {
		name string
		give []byte
		want bool // taken
	}{
		{"baseline", readGolden(t, "baseline-420.jpg"), true},
		{"progressive", readGolden(t, "progressive.jpg"), true},
		{"gray", readGolden(t, "gray.jpg"), true},
		{"cmyk", readGolden(t, "cmyk.jpg"), false},
		{"rgb", rgbOf(photo), false},
		{"last byte missing", photo[:len(photo)-1], false},
		{"half missing", photo[:len(photo)/2], false},
		{"cut off and ended", append(bytes.Clone(photo[:len(photo)/2]), 0xff, jpegfile.EOI), false},
		{"zeros between segments", append([]byte("\xff\xd8\xff\xfe\x00\x02\x00\x00\x00"), photo[2:]...), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			work, _ := taskOf(t, Config{}, tt.give)
			if _, taken := work.shrinkJPEG(new(scratch)); taken != tt.want {
				t.Errorf("taken = %t, want %t", taken, tt.want)
			}
		})
	}
	work, _ := taskOf(t, Config{}, photo)
	work.header.Width += 8 // as if two readers of the header disagreed
	if _, taken := work.shrinkJPEG(new(scratch)); taken {
		t.Error("an image of another size than the header's was taken")
	}
}

func TestNoTruncatedImageIsTaken(t *testing.T) {
	for _, name := range []string{"baseline-420.jpg", "baseline-422.jpg", "baseline-444.jpg", "progressive.jpg", "gray.jpg"} {
		encoded := readGolden(t, name)
		work, _ := taskOf(t, Config{}, encoded)
		for end := 1; end < len(encoded); end += 1 + len(encoded)/500 {
			work.data = encoded[:end]
			if _, taken := work.shrinkJPEG(new(scratch)); taken {
				t.Errorf("%s: the first %d of %d bytes were taken for an image", name, end, len(encoded))
			}
		}
	}
}

// maxLenient bounds, in a hundred damaged images, those that the library decodes
// without complaint and the standard library refuses: a code that no code book
// has at a scan's end, a block of a progressive image with too many coefficients,
// an image without code books (it then takes the customary ones). Measured: 0.3,
// and 4 of progressive images. About half of all damage neither of them sees.
const maxLenient = 6

func TestFewDamagedImagesAreTakenThatPureRefuses(t *testing.T) {
	for _, name := range []string{"baseline-420.jpg", "progressive.jpg", "gray.jpg"} {
		encoded := readGolden(t, name)
		_, p := taskOf(t, Config{Limits: Limits{MaxPixels: 1 << 20}}, encoded)
		lenient, damaged := 0, 0
		for at := 2; at < len(encoded); at += 1 + len(encoded)/400 {
			work := task{data: bytes.Clone(encoded), needed: image.Pt(105, 105)}
			work.data[at] ^= 1 << (at % 8)
			var err error
			if work.header, err = p.Inspect(work.data); err != nil {
				continue
			}
			damaged++
			if _, taken := work.shrinkJPEG(new(scratch)); !taken {
				continue
			}
			if _, err := decodeJPEG(work, newSource(work.data, 0, nil)); err != nil {
				lenient++
			}
		}
		if lenient*100 > damaged*maxLenient {
			t.Errorf("%s: %d of %d damaged images were taken that the standard library refuses, want at most %d in a hundred", name, lenient, damaged, maxLenient)
		}
	}
}

// nativeGrowthPages bounds how resident memory, in pages of mostly 4 KiB, may grow
// over the calls below. Without tjDestroy it grew by one a call.
const nativeGrowthPages = 2000

func TestNativeMemoryIsFreed(t *testing.T) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("resident memory is not reported here: ", err)
	}
	whole, _ := taskOf(t, Config{}, readGolden(t, "small-105x105.jpg"))
	cut, cmyk := whole, whole
	cut.data = whole.data[:len(whole.data)/2]
	cmyk.data = readGolden(t, "cmyk.jpg")
	s := new(scratch)
	rounds := func(n int) {
		for range n {
			for _, work := range []task{whole, cut, cmyk} {
				work.shrinkJPEG(s)
			}
		}
	}
	rounds(100)
	before := residentPages(t)
	rounds(3000)
	if growth := residentPages(t) - before; growth > nativeGrowthPages {
		t.Errorf("resident memory grew by %d pages over 9000 calls, want at most %d", growth, nativeGrowthPages)
	}
}

func residentPages(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	var size, resident int
	_, scanErr := fmt.Sscan(string(data), &size, &resident)
	if err := errors.Join(err, scanErr); err != nil {
		t.Fatal(err)
	}
	return resident
}
