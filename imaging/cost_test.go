package imaging_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"siamese/imaging"
)

// overestimate is how many times what was taken an estimate may be, for images whose
// decoder takes what their format makes it take.
const overestimate = 3

// costly is an image of a kind, with how large its estimate may be.
type costly struct {
	name  string
	give  []byte
	loose bool // the structure does not tell; the estimate is for the worst
}

// allCostly is what costlyImages made: with the race detector that takes many seconds.
var allCostly []costly

// costlyImages are of every kind that a decoder takes other memory for.
func costlyImages(t testing.TB) []costly {
	t.Helper()
	if allCostly == nil {
		allCostly = makeCostly(t)
	}
	return allCostly
}

func makeCostly(t testing.TB) []costly {
	t.Helper()
	const side = 1000
	box := image.Rect(0, 0, side, side)
	plain := photo(side, side)
	encoded := func(encode func(*bytes.Buffer) error) []byte {
		var out bytes.Buffer
		if err := encode(&out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	images := []costly{
		{"jpeg", encoded(func(w *bytes.Buffer) error { return jpeg.Encode(w, plain, nil) }), false},
		{"gray jpeg", encoded(func(w *bytes.Buffer) error { return jpeg.Encode(w, image.NewGray(box), nil) }), false},
		{"progressive jpeg", progressiveJPEG(side, 3), false},
		{"progressive jpeg, 64 scans", progressiveJPEG(side, 64), false},
		{"gif", encoded(func(w *bytes.Buffer) error { return gif.Encode(w, image.NewPaletted(box, palette.Plan9), nil) }), true},
		{"bmp", encoded(func(w *bytes.Buffer) error { return bmp.Encode(w, plain) }), false},
		{"gray bmp", encoded(func(w *bytes.Buffer) error { return bmp.Encode(w, image.NewGray(box)) }), true},
		{"tiff", encoded(func(w *bytes.Buffer) error { return tiff.Encode(w, plain, nil) }), false},
		{"deflated tiff", encoded(func(w *bytes.Buffer) error {
			return tiff.Encode(w, plain, &tiff.Options{Compression: tiff.Deflate})
		}), true},
		{deepTIFF, encoded(func(w *bytes.Buffer) error {
			return tiff.Encode(w, image.NewNRGBA64(box), &tiff.Options{Compression: tiff.Deflate})
		}), true},
		{"webp without bits", emptyWebP(side), false},
		{"bmp of 16 bits", bmpOf(side, side, 16, 0, make([]byte, 2*side*side)), false},
		{"gif whose screen grows", gifFrame(2, 2, side, side, farPixels(side*side)...), true},
	}
	for _, m := range []image.Image{
		image.NewGray(box), image.NewGray16(box), plain, image.NewNRGBA(box), image.NewNRGBA64(box),
		image.NewPaletted(box, color.Palette{color.Black, color.White}),
	} {
		name, data := "png of "+strings.TrimPrefix(fmt.Sprintf("%T", m), "*image."), encodePNG(t, m)
		images = append(images, costly{name, data, false}, costly{name + ", without an end", data[:len(data)-12], false})
	}
	plainPNG, deep := encodePNG(t, plain), encodePNG(t, image.NewNRGBA64(box))
	for name, file := range map[string]string{"P3": "display_p3", "a table": "mft2_lab", "gray of sRGB": "srgb_gray"} {
		images = append(images,
			costly{"png with a profile of " + name, withProfile(t, plainPNG, file), false},
			costly{"deep png with a profile of " + name, withProfile(t, deep, file), false})
	}
	turned := slices.Concat(deep[:33], pngChunk("eXIf", exifOrientation(be, 6)), deep[33:])
	images = append(images, costly{"deep png that is turned", turned, false})
	for name, kind := range map[string][2]byte{"gray": {1, 0}, "gray of 16 bits": {16, 0}, "rgb": {8, 2}, "rgba of 16 bits": {16, 6}} {
		samples := map[byte]int{0: 1, 2: 3, 6: 4}[kind[1]]
		data := interlacedPNG(side, kind[0], kind[1], samples)
		images = append(images, costly{"interlaced png, " + name, data, false}, costly{"interlaced png, " + name + ", without an end", data[:len(data)-12], false})
	}
	return images
}

// withProfile puts the profile of one of the variants into a PNG.
func withProfile(t testing.TB, encoded []byte, name string) []byte {
	t.Helper()
	const header = 33 // signature and IHDR
	variant, err := os.ReadFile(filepath.Join(variantsFolder, "profile", name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(variant, []byte("iCCP")) - 4
	if at < 0 {
		t.Fatalf("%s.png has no profile", name)
	}
	size := 12 + int(be.Uint32(variant[at:]))
	return slices.Concat(encoded[:header], variant[at:at+size], encoded[header:])
}

// isShrunk reports whether libturbojpeg decodes an image: in memory of its own.
func isShrunk(c costly) bool {
	return imaging.JPEGDecoder != "image/jpeg" && (c.name == "jpeg" || c.name == "gray jpeg")
}

// allocated is what do has allocated, in bytes, whether it was collected or not.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// deepTIFF is decoded pixel by pixel, by colours that the race detector's build has on
// the heap and others on the stack.
const deepTIFF = "tiff of 16 bits"

// onHeap is what the race detector's build allocates for these colours, piece by piece.
func onHeap(name string, pixels int64) int64 {
	info, _ := debug.ReadBuildInfo()
	if name != deepTIFF || info == nil || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 0
	}
	return 2 * 8 * pixels
}

// An estimate bounds what is allocated in all: no moment can take more. It is not far
// above it either, or images would wait for memory that nobody takes.
func TestCostBoundsMemory(t *testing.T) {
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MaxDecodeBytes: 1 << 40}})
	images := costlyImages(t)
	seen := map[string]bool{}
	for _, c := range goldenCases(t) {
		if !seen[c.Input] {
			seen[c.Input] = true
			images = append(images, costly{c.Input, readInput(t, c.Input), true})
		}
	}
	for _, tt := range images {
		header, err := p.Inspect(tt.give)
		if err != nil {
			continue // some goldens are to be refused
		}
		took := allocated(func() { _, err = p.Prepare(tt.give) })
		if err != nil {
			t.Errorf("%s: Prepare = %v, want a picture", tt.name, err)
		}
		estimate := header.Cost.Bytes
		t.Logf("%-28s %9d bytes estimated, %9d taken, %v of work", tt.name, estimate, took, header.Cost.Work)
		if took-onHeap(tt.name, int64(header.Width)*int64(header.Height)) > estimate {
			t.Errorf("%s: %d bytes were taken, more than the %d estimated", tt.name, took, estimate)
		}
		if !tt.loose && !isShrunk(tt) && estimate > overestimate*took {
			t.Errorf("%s: %d bytes were taken, far less than the %d estimated", tt.name, took, estimate)
		}
	}
}

func TestWhatTakesTooMuchMemoryIsRefused(t *testing.T) {
	tests := []struct {
		name string
		give []byte
	}{
		{"271 bytes that take 375 MB", progressiveJPEG(5000, 3)},
		{"a webp without bits", emptyWebP(5000)},
		{"an interlaced png", interlacedPNG(3000, 16, 6, 4)},
		{"a tile far larger than its image", tiffDirectory(tiffField{256, 1, 64}, tiffField{257, 1, 64}, tiffField{258, 1, 8}, tiffField{259, 1, 5},
			tiffField{262, 1, 1}, tiffField{322, 1, 60_000}, tiffField{323, 1, 60_000}, tiffField{324, 1, 8}, tiffField{325, 1, 16})},
	}
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MaxDecodeBytes: 100 << 20}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var picture *imaging.Picture
			var err error
			took := allocated(func() { picture, err = p.Prepare(tt.give) })
			wantReason(t, picture, err, imaging.ReasonTooCostly)
			if took > 1<<20 {
				t.Errorf("refusing it allocated %d bytes, want at most 1 MiB", took)
			}
		})
	}
}

func TestWhatTakesTooMuchWorkIsRefused(t *testing.T) {
	tiled := func(side uint32) []byte { // a packed gray TIFF of 1024x1024
		return append(tiffDirectory(tiffField{256, 1, 1024}, tiffField{257, 1, 1024}, tiffField{258, 1, 8}, tiffField{259, 1, 8},
			tiffField{262, 1, 1}, tiffField{322, 1, side}, tiffField{323, 1, side}, tiffField{324, 1, 8}, tiffField{325, 1, 16}), make([]byte, 1<<10)...)
	}
	tests := []struct {
		name string
		give []byte
		want bool
	}{
		{"a JPEG of 60 scans", progressiveJPEG(5000, 60), true},
		{"a JPEG of 20 scans", progressiveJPEG(5000, 20), false},
		{"60 scans of a smaller one", progressiveJPEG(1000, 60), false},
		{"tiles of a pixel", tiled(1), true},
		{"tiles of 64", tiled(64), false},
		{"the dearest WebP", emptyWebP(5000), false},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := p.Inspect(tt.give)
			if refused := errors.Is(err, &imaging.Error{Reason: imaging.ReasonTooCostly}); refused != tt.want || !tt.want && err != nil {
				t.Errorf("Inspect = %v, want it refused: %v", err, tt.want)
			}
			if tt.want && (err == nil || !strings.HasSuffix(err.Error(), "to decode, expected at most 5s")) {
				t.Errorf("Inspect = %v, want the bound named", err)
			}
		})
	}
}

// attackScans is how many scans of a JPEG of 25 megapixels the decoder is let do.
const attackScans = 50

// The files of testdata/attacks are what this makes. Other tests send them.
func TestAttackFilesAreThoseOfTheGenerator(t *testing.T) {
	for name, want := range map[string][]byte{
		"scans.jpg": progressiveJPEG(5000, attackScans), "memory.jpg": progressiveJPEG(5000, 3), "lossless.webp": emptyWebP(5000),
	} {
		path := filepath.Join("..", "testdata", "attacks", name)
		if os.Getenv("WRITE_ATTACKS") != "" {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes (%v), want the generator's %d", name, len(got), err, len(want))
		}
		if _, err := newPreparer(t, imaging.Config{}).Inspect(want); err != nil {
			t.Errorf("Inspect(%s) = %v, want none", name, err)
		}
	}
}

// errEnough ends a decode.
var errEnough = errors.New("enough")

// A decode ends soon after it is told to, not only at its end: it asks several times
// and goes on no longer than to the next question.
func TestPrepareStopsWhenToldTo(t *testing.T) {
	const asked = 3
	for _, tt := range costlyImages(t) {
		if isShrunk(tt) {
			continue // libturbojpeg is not asked to stop
		}
		p := newPreparer(t, imaging.Config{})
		left := asked
		picture, err := p.PrepareWhile(tt.give, func() error {
			if left--; left == 0 {
				return errEnough
			}
			if left < 0 {
				t.Errorf("%s: asked again after it was told to end", tt.name)
			}
			return nil
		})
		if picture != nil || !errors.Is(err, errEnough) {
			t.Errorf("%s: PrepareWhile = %v, %v, want the error that ended it", tt.name, picture != nil, err)
		}
	}
}

// BenchmarkCost is what the rates of Cost.Work are taken from.
func BenchmarkCost(b *testing.B) {
	p := newPreparer(b, imaging.Config{})
	for _, tt := range costlyImages(b) {
		b.Run(tt.name, func(b *testing.B) {
			header, err := p.Inspect(tt.give)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := p.Prepare(tt.give); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(header.Cost.Work), "estimated-ns")
		})
	}
}
