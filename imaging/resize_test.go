package imaging_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
)

// unscaled decodes a picture of the corpus at the size that it has.
func unscaled(t *testing.T, name string) *imaging.Picture {
	t.Helper()
	encoded := readInput(t, name)
	header, err := newPreparer(t, imaging.Config{}).Inspect(encoded)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPreparer(t, imaging.Config{Width: header.Width, Height: header.Height}).Prepare(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestResizeEqualsPillow(t *testing.T) {
	tests := []struct {
		giveInput  string
		giveFilter imaging.Filter
		giveSize   image.Point
		giveWhere  image.Point // of the picture in the golden one
		wantFile   string
	}{
		{"scene-121x163.png", imaging.Bilinear, image.Pt(64, 32), image.Pt(0, 0), "scene-121x163.png.shorter-side.white.64x32.png"},
		{"scene-121x163.png", imaging.Bilinear, image.Pt(40, 160), image.Pt(0, 0), "scene-121x163.png.shorter-side.white.40x160.png"},
		{"scene-160x120.png", imaging.Bicubic, image.Pt(105, 78), image.Pt(0, 13), "scene-160x120.png.letterbox.white.105x105.png"},
		{"scene-64x48.png", imaging.Bicubic, image.Pt(105, 78), image.Pt(0, 13), "scene-64x48.png.letterbox.white.105x105.png"},
	}
	for _, tt := range tests {
		t.Run(tt.giveInput+"."+tt.giveFilter.String(), func(t *testing.T) {
			source := unscaled(t, tt.giveInput)
			before := bytes.Clone(source.Pix)
			got := source.Resize(tt.giveSize.X, tt.giveSize.Y, tt.giveFilter)
			golden := readWant(t, tt.wantFile).(interface {
				SubImage(image.Rectangle) image.Image
			})
			box := image.Rectangle{Min: tt.giveWhere, Max: tt.giveWhere.Add(tt.giveSize)}
			want := pixelsOf(golden.SubImage(box))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Resize(%v, %v) differs from Pillow (-want +got):\n%s", tt.giveSize, tt.giveFilter, diff)
			}
			if !bytes.Equal(source.Pix, before) {
				t.Error("Resize changed its picture")
			}
		})
	}
}

// pixelsOf copies an opaque image into a picture.
func pixelsOf(m image.Image) *imaging.Picture {
	box := m.Bounds()
	p := &imaging.Picture{Width: box.Dx(), Height: box.Dy()}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			p.Pix = append(p.Pix, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return p
}

func TestResizeGivesANewPicture(t *testing.T) {
	source := &imaging.Picture{Width: 1, Height: 1, Pix: []byte{1, 2, 3}}
	same := source.Resize(1, 1, imaging.Bicubic)
	same.Pix[0] = 200
	if source.Pix[0] != 1 {
		t.Error("Resize to the same size shares its pixels with the source, want a copy")
	}
	if got := source.Resize(0, -4, imaging.Bilinear); got.Width != 1 || got.Height != 1 {
		t.Errorf("Resize(0, -4) = %dx%d, want 1x1", got.Width, got.Height)
	}
	empty := &imaging.Picture{}
	want := &imaging.Picture{Width: 2, Height: 1, Pix: make([]byte, 6)}
	if diff := cmp.Diff(want, empty.Resize(2, 1, imaging.Bilinear)); diff != "" {
		t.Errorf("Resize of an empty picture (-want +got):\n%s", diff)
	}
}

func TestCrop(t *testing.T) {
	source := &imaging.Picture{Width: 3, Height: 2, Pix: []byte{
		0, 1, 2, 10, 11, 12, 20, 21, 22,
		100, 101, 102, 110, 111, 112, 120, 121, 122,
	}}
	tests := []struct {
		name    string
		giveBox image.Rectangle
		want    *imaging.Picture
	}{
		{"inside", image.Rect(1, 0, 2, 2), &imaging.Picture{Width: 1, Height: 2, Pix: []byte{10, 11, 12, 110, 111, 112}}},
		{"reaching out", image.Rect(2, 1, 9, 9), &imaging.Picture{Width: 1, Height: 1, Pix: []byte{120, 121, 122}}},
		{"outside", image.Rect(3, 0, 5, 2), &imaging.Picture{Pix: []byte{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := source.Crop(tt.giveBox)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Crop(%v) (-want +got):\n%s", tt.giveBox, diff)
			}
		})
	}
	whole := source.Crop(image.Rect(0, 0, 3, 2))
	whole.Pix[0] = 200
	if source.Pix[0] != 0 {
		t.Error("Crop shares its pixels with the source, want a copy")
	}
}
