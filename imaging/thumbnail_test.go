package imaging_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
)

// slope is the PNG file of a picture whose red rises to the right and whose green rises
// downwards.
func slope(t *testing.T, width, height int) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetNRGBA(x, y, color.NRGBA{byte(255 * x / width), byte(255 * y / height), 7, 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// A thumbnail is the whole image scaled down, and the picture beside it is as without one.
func TestPrepareWithThumbnail(t *testing.T) {
	p, err := imaging.New(imaging.Config{Width: 32, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ width, height, wantWidth, wantHeight int }{
		{400, 200, 160, 80}, {200, 400, 80, 160}, {160, 160, 160, 160}, {20, 10, 20, 10}, {1000, 60, 160, 9},
	}
	for _, tt := range tests {
		file := slope(t, tt.width, tt.height)
		picture, thumbnail, err := p.PrepareWithThumbnail(file, 160, nil)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := p.Prepare(file)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := p.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(alone, picture) {
			t.Errorf("%dx%d: the picture beside a thumbnail is another one", tt.width, tt.height)
		}
		if want := whole.Resize(tt.wantWidth, tt.wantHeight, imaging.Bilinear); !cmp.Equal(want, thumbnail) {
			t.Errorf("%dx%d: thumbnail of %dx%d, want the whole at %dx%d", tt.width, tt.height, thumbnail.Width, thumbnail.Height, want.Width, want.Height)
		}
		raw := imaging.Raw{Width: tt.width, Height: tt.height, Channels: imaging.RGB, Pixels: whole.Pix}
		rawPicture, rawThumbnail, err := p.PrepareRawWithThumbnail(raw, 160)
		if err != nil || !cmp.Equal(picture, rawPicture) || !cmp.Equal(thumbnail, rawThumbnail) {
			t.Errorf("%dx%d: raw pixels give others, %v", tt.width, tt.height, err)
		}
	}
}

func TestPrepareWithThumbnailRefuses(t *testing.T) {
	p, err := imaging.New(imaging.Config{Width: 32, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.PrepareWithThumbnail(slope(t, 40, 40)[:90], 160, nil); err == nil {
		t.Error("PrepareWithThumbnail of a file that is cut off = nil, want an error")
	}
	if _, _, err := p.PrepareRawWithThumbnail(imaging.Raw{Width: 4, Height: 4, Channels: imaging.RGB, Pixels: make([]byte, 5)}, 160); err == nil {
		t.Error("PrepareRawWithThumbnail of too few pixels = nil, want an error")
	}
}

func TestJPEGOfAPicture(t *testing.T) {
	picture := &imaging.Picture{Width: 3, Height: 2, Pix: bytes.Repeat([]byte{200, 100, 50}, 6)}
	file, err := picture.JPEG(90)
	if err != nil {
		t.Fatal(err)
	}
	read, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil || read.Bounds().Size() != image.Pt(3, 2) {
		t.Errorf("JPEG is read as %v, %v, want 3x2", read, err)
	}
	if _, err := (&imaging.Picture{Width: 3, Height: 2}).JPEG(90); err == nil {
		t.Error("JPEG of a picture without pixels = nil, want an error")
	}
}
