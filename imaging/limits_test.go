package imaging_test

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"runtime"
	"strings"
	"testing"

	"siamese/imaging"
)

// wantReason checks that a picture was refused for the given reason.
func wantReason(t *testing.T, picture *imaging.Picture, err error, want imaging.Reason) {
	t.Helper()
	if picture != nil {
		t.Errorf("got a picture beside error %v", err)
	}
	var refusal *imaging.Error
	if !errors.As(err, &refusal) || refusal.Reason != want {
		t.Errorf("error = %v, want reason %s", err, want)
	}
	if refusal != nil && refusal.Message == "" {
		t.Error("the error has no message")
	}
}

func TestPrepareRefuses(t *testing.T) {
	onePixel := encodePNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	var noScreen bytes.Buffer
	noScreen.WriteString("GIF89a\x00\x00\x00\x00\x00\x00\x00;")
	tests := []struct {
		name string
		give []byte
		want imaging.Reason
	}{
		{"nothing", nil, imaging.ReasonEmpty},
		{"text", []byte("BM is no picture, and neither is this sentence"), imaging.ReasonFormatUnknown},
		{"pdf", []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), imaging.ReasonFormatUnknown},
		{"svg", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), imaging.ReasonFormatUnknown},
		{"wave in riff", []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), imaging.ReasonFormatUnknown},
		{"two bytes", []byte("\xff\xd8"), imaging.ReasonFormatUnknown},
		{"too many bytes", bytes.Repeat([]byte{0xff}, 7<<20+1), imaging.ReasonTooLarge},
		{"one pixel", onePixel, imaging.ReasonShape},
		{"one row", encodePNG(t, image.NewGray(image.Rect(0, 0, 9, 1))), imaging.ReasonShape},
		{"no pixel", noScreen.Bytes(), imaging.ReasonShape},
		{"no width", pngHeader(0, 9), imaging.ReasonShape},
		{"ratio over 1:20", encodePNG(t, image.NewGray(image.Rect(0, 0, 41, 2))), imaging.ReasonShape},
		{"just over 25 megapixels", pngHeader(5001, 5000), imaging.ReasonTooManyPixels},
		{"animated webp", animatedWebP(), imaging.ReasonUndecodable},
		{"tiff of no page", []byte("II*\x00\x08\x00\x00\x00\x00\x00"), imaging.ReasonUndecodable},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			picture, err := p.Prepare(tt.give)
			wantReason(t, picture, err, tt.want)
		})
	}
}

func TestPrepareTakesWhatJustFits(t *testing.T) {
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MaxPixels: 80}})
	for _, size := range []image.Point{{X: 40, Y: 2}, {X: 2, Y: 40}, {X: 10, Y: 8}, {X: 2, Y: 2}} {
		if _, err := p.Prepare(encodePNG(t, photo(size.X, size.Y))); err != nil {
			t.Errorf("Prepare(%v) = %v, want a picture", size, err)
		}
	}
}

func TestErrorsTellWhatCameAndWhatIsExpected(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	_, err := p.Prepare(encodePNG(t, photo(1, 1)))
	const want = "IMAGE_SHAPE: received 1x1 pixels, expected at least 2 on each side"
	if err == nil || err.Error() != want {
		t.Errorf("Prepare(1x1) = %v, want %q", err, want)
	}
	_, err = p.Prepare([]byte("%PDF-1.7"))
	if err == nil || !strings.Contains(err.Error(), "expected one of jpeg, png, gif, bmp, tiff, webp") {
		t.Errorf("Prepare(pdf) = %v, want the formats listed", err)
	}
	if err == nil || !strings.Contains(err.Error(), "received a PDF document, which is not supported") {
		t.Errorf("Prepare(pdf) = %v, want it named", err)
	}
	if !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown}) {
		t.Errorf("errors.Is(%v, its reason) = false", err)
	}
	if errors.Is(err, &imaging.Error{Reason: imaging.ReasonShape}) {
		t.Errorf("errors.Is(%v, another reason) = true", err)
	}
}

// bombBytes bounds what refusing a bomb may allocate. Decoding any of them would
// take gigabytes, or 100 MB where the header alone keeps within the limits.
const bombBytes = 50 << 20

func TestBombsAreRefusedWithoutMemory(t *testing.T) {
	const side = 50_000
	tests := []struct {
		name string
		give []byte
		want imaging.Reason
	}{
		{"png", pngHeader(side, side), imaging.ReasonTooManyPixels},
		{"png of the largest sides", pngHeader(1<<31-1, 1<<31-1), imaging.ReasonTooManyPixels},
		{"gif", gifHeader(side, side), imaging.ReasonTooManyPixels},
		{"bmp", bmpHeader(side, side), imaging.ReasonTooManyPixels},
		{"tiff", tiffHeader(side, side), imaging.ReasonTooManyPixels},
		{"jpeg", jpegHeader(side, side), imaging.ReasonTooManyPixels},
		{"webp canvas", riff(webpCanvas(side, side, 0)), imaging.ReasonTooManyPixels},
		{"webp lossless", riff(webpLossless(16384, 16384)), imaging.ReasonTooManyPixels},
		{"long png", pngHeader(side, 2), imaging.ReasonShape},
		{"png with a few rows", pngOf(5000, 5000, 16), imaging.ReasonUndecodable},
		{"bmp with no pixels", bmpHeader(5000, 5000), imaging.ReasonUndecodable},
		{"bmp of runs that end at once", bmpOf(5000, 5000, 8, 1, make([]byte, 1024)), imaging.ReasonUndecodable},
		{"gif with no pixels", gifFrame(5000, 5000, 5000, 5000), imaging.ReasonUndecodable},
		{"gif whose frame is far off", append([]byte("GIF89a\x02\x00\x02\x00\x00\x00\x00,\xff\xff\xff\xff"), gifFrame(0, 0, 2, 2)[18:]...), imaging.ReasonTooManyPixels},
		{"webp larger than its canvas", riff(webpCanvas(64, 64, 0), webpLossless(16384, 16384)), imaging.ReasonUndecodable},
		{"gif frame larger than its screen", gifFrame(64, 64, side, side), imaging.ReasonTooManyPixels},
		{"jpeg of two headers", append(jpegHeader(64, 64), jpegHeader(side, side)[2:]...), imaging.ReasonUndecodable},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			picture, err := p.Prepare(tt.give)
			runtime.ReadMemStats(&after)
			wantReason(t, picture, err, tt.want)
			if took := after.TotalAlloc - before.TotalAlloc; took > bombBytes {
				t.Errorf("refusing it allocated %d bytes, want at most %d", took, bombBytes)
			}
		})
	}
}

func TestPrepareBoundsTheScansOfJPEG(t *testing.T) {
	progressive := readInput(t, "progressive.jpg")
	last := bytes.LastIndex(progressive, []byte("\xff\xda"))
	end := len(progressive) - 2 // the end marker
	scan := progressive[last:end]
	many := bytes.Clone(progressive[:last])
	for range 70 {
		many = append(many, scan...)
	}
	many = append(many, progressive[end:]...)
	picture, err := newPreparer(t, imaging.Config{}).Prepare(many)
	wantReason(t, picture, err, imaging.ReasonUndecodable)
	if err != nil && !strings.Contains(err.Error(), "more than 64 scans") {
		t.Errorf("Prepare(70 scans) = %v, want the bound named", err)
	}
}

func TestPrepareBoundsTheBlocksOfTIFF(t *testing.T) {
	const tiles = 64
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"one long strip", tiffBlocks(279, 1, 1<<20), "tiff: strips or tiles of 1048576 bytes"},
		{"overlapping tiles", tiffBlocks(325, tiles, 100), "tiff: strips or tiles of 6400 bytes"},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			picture, err := p.Prepare(tt.give)
			wantReason(t, picture, err, imaging.ReasonUndecodable)
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Prepare = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPrepareReadsTheFirstFrameOnly(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	animated := readInput(t, "animated.gif")
	want, err := p.Prepare(animated)
	if err != nil {
		t.Fatal(err)
	}
	all, err := gif.DecodeAll(bytes.NewReader(animated))
	if err != nil || len(all.Image) != 3 {
		t.Fatalf("the input has %d frames (error %v), want 3", len(all.Image), err)
	}
	// The last quarter is within the last frame.
	got, err := p.Prepare(animated[:len(animated)-len(animated)/4])
	if err != nil || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("damage behind the first frame changed the picture (error %v)", err)
	}
}
