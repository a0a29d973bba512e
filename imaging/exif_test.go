package imaging_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"siamese/imaging"
)

// The eight orientations themselves are compared with Pillow by the corpus
// (turned-1 to turned-8).

func TestPrepareAppliesOrientation(t *testing.T) {
	p := newPreparer(t, imaging.Config{Width: 32, Height: 32})
	upright := prepare(t, p, encodeJPEG(t, photo(32, 32)))
	tests := []struct {
		name string
		give []byte
		want bool // turned
	}{
		{"little endian", exifOrientation(binary.LittleEndian, 3), true},
		{"big endian", exifOrientation(binary.BigEndian, 3), true},
		{"upright", exifOrientation(binary.BigEndian, 1), false},
		// What is odd is ignored: the image itself is fine.
		{"value out of range", exifOrientation(binary.BigEndian, 9), false},
		{"value zero", exifOrientation(binary.LittleEndian, 0), false},
		{"empty", nil, false},
		{"cut in the entry", exifOrientation(binary.LittleEndian, 3)[:16], false},
		{"directory past the end", []byte("II*\x00\xff\xff\xff\xff"), false},
		{"directory in the last byte", []byte("MM\x00*\x00\x00\x00\x08\x00"), false},
		{"no byte order", append([]byte("XX"), exifOrientation(binary.LittleEndian, 3)[2:]...), false},
		{"entries promised, none there", []byte("II*\x00\x08\x00\x00\x00\xff\xff"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := prepare(t, p, jpegWithExif(encodeJPEG(t, photo(32, 32)), tt.give))
			want := upright.Pix
			if tt.want {
				want = reversedPixels(want)
			}
			if !bytes.Equal(got.Pix, want) {
				t.Errorf("the picture is not as expected (turned %t)", tt.want)
			}
		})
	}
}

func TestPrepareFindsExifBehindThePixels(t *testing.T) {
	p := newPreparer(t, imaging.Config{Width: 32, Height: 32})
	encoded := encodePNG(t, photo(32, 32))
	want := reversedPixels(prepare(t, p, encoded).Pix)
	chunk := pngChunk("eXIf", exifOrientation(binary.BigEndian, 3))
	end := len(encoded) - 12 // IEND
	turned := bytes.Join([][]byte{encoded[:end], chunk, encoded[end:]}, nil)
	if got := prepare(t, p, turned); !bytes.Equal(got.Pix, want) {
		t.Error("the eXIf chunk behind the pixels was not applied")
	}
}

func TestOrientationDecidesWhichSideIsShorter(t *testing.T) {
	p := newPreparer(t, imaging.Config{Rule: imaging.Letterbox, Width: 40, Height: 40})
	wide := image.NewGray(image.Rect(0, 0, 40, 20))
	got := prepare(t, p, jpegWithExif(encodeJPEG(t, wide), exifOrientation(binary.LittleEndian, 6)))
	const grey = 128
	if left, top := got.Pix[(20*40)*3], got.Pix[20*3]; left != grey || top != 0 {
		t.Errorf("matte at the left is %d and at the top %d, want %d and the image's 0", left, top, grey)
	}
}

func prepare(t *testing.T, p *imaging.Preparer, encoded []byte) *imaging.Picture {
	t.Helper()
	picture, err := p.Prepare(encoded)
	if err != nil {
		t.Fatalf("Prepare = %v", err)
	}
	return picture
}

// reversedPixels turns a picture by half a turn.
func reversedPixels(pix []byte) []byte {
	out := make([]byte, 0, len(pix))
	for i := len(pix) - 3; i >= 0; i -= 3 {
		out = append(out, pix[i:i+3]...)
	}
	return out
}
