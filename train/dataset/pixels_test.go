package dataset_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/dataset"
)

// coloured is a picture of three channels that differ.
func coloured(t testing.TB, seed uint8) []byte {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 11, 13))
	for i := range 11 * 13 {
		canvas.SetRGBA(i%11, i/11, color.RGBA{R: seed + uint8(i), G: uint8(3 * i), B: 200 - uint8(i), A: 255})
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

// mixed has gray pictures in one class and coloured ones in the other.
func mixed(t testing.TB) files {
	return glyphs(t, 3, "gray").with("colour/1.png", coloured(t, 7)).with("colour/2.png", coloured(t, 90))
}

// everyPicture gives all pictures of the dataset, turned and mirrored, too.
func everyPicture(t *testing.T, d *dataset.Dataset) map[string]*imaging.Picture {
	t.Helper()
	rotated, err := d.Variants(t.Context(), dataset.VariantsConfig{Rotations: true, Mirrors: true})
	if err != nil {
		t.Fatal(err)
	}
	pictures := map[string]*imaging.Picture{}
	for _, class := range rotated.Classes() {
		for _, image := range class.Images {
			picture, err := rotated.Picture(image)
			if err != nil {
				t.Fatal(err)
			}
			pictures[class.Name+" "+image.Name] = picture
		}
	}
	return pictures
}

// TestPicturesFromMemoryAreThoseDecoded: whatever the room for decoded pictures.
func TestPicturesFromMemoryAreThoseDecoded(t *testing.T) {
	path := mixed(t).archive(t)
	cold, _ := openWithin(t, path, -1)
	want := everyPicture(t, cold)
	for _, room := range []int64{0, 1, side * side, 3 * side * side, 7 * side * side} {
		warm, _ := openWithin(t, path, room)
		if diff := cmp.Diff(want, everyPicture(t, warm)); diff != "" {
			t.Errorf("pictures with %d bytes of room (-decoded +from memory):\n%s", room, diff)
		}
	}
}

// TestPicturesInMemoryNeedNoFile: gray ones take a byte a pixel. Of the album's
// files, 16 more are held as they are.
func TestPicturesInMemoryNeedNoFile(t *testing.T) {
	tests := []struct {
		giveRoom int64
		want     int // failures once the archive is closed
	}{
		{-1, albumSize - 16},
		{side * side, albumSize - 17},
		{2*side*side - 1, albumSize - 17},
		{2 * side * side, 0},
		{0, 0},
	}
	archive := album(t).archive(t)
	for _, tt := range tests {
		d, _ := openWithin(t, archive, tt.giveRoom)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if got := failures(d); got != tt.want {
			t.Errorf("%d of %d pictures fail with %d bytes of room, want %d", got, albumSize, tt.giveRoom, tt.want)
		}
	}
}

// TestGrayIsWhatThreeChannelsGive: mirrored and turned, too.
func TestGrayIsWhatThreeChannelsGive(t *testing.T) {
	d, _ := open(t, mixed(t).archive(t))
	rotated, err := d.Variants(t.Context(), dataset.VariantsConfig{Rotations: true, Mirrors: true})
	if err != nil {
		t.Fatal(err)
	}
	gray := 0
	for _, class := range rotated.Classes() {
		for _, image := range class.Images {
			pixels, ok := rotated.Gray(image)
			if !ok {
				continue
			}
			gray++
			picture, err := rotated.Picture(image)
			if err != nil {
				t.Fatal(err)
			}
			for i, level := range pixels {
				if want := picture.Pix[3*i : 3*i+3]; want[0] != level || want[1] != level || want[2] != level {
					t.Fatalf("%s: pixel %d of %q is %d, want %v", class.Name, i, image.Name, level, want)
				}
			}
			if len(pixels) != side*side {
				t.Errorf("%q has %d pixels, want %d", image.Name, len(pixels), side*side)
			}
		}
	}
	if gray != 3*8 {
		t.Errorf("%d images are gray, want the 3 in 4 turns, mirrored and not", gray)
	}
	cold, _ := openWithin(t, mixed(t).archive(t), -1)
	of := rotated.Classes()[len(rotated.Classes())-1].Images[0]
	if _, ok := cold.Gray(of); ok {
		t.Error("Gray of another dataset's image = true, want false")
	}
	if _, ok := cold.Gray(cold.Classes()[1].Images[0]); ok {
		t.Error("Gray of an image that is not in memory = true, want false")
	}
}

// BenchmarkPicture is a drawing as Omniglot's are, decoded and from memory.
func BenchmarkPicture(b *testing.B) {
	for _, bb := range []struct {
		name string
		room int64
	}{{"decoded", -1}, {"memory", 0}} {
		b.Run(bb.name, func(b *testing.B) {
			p, err := imaging.New(imaging.Config{})
			if err != nil {
				b.Fatal(err)
			}
			d, _, err := dataset.Open(b.Context(), dataset.Config{Path: "../../testdata/omniglot", Preparer: p, PixelBytes: bb.room})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			image := d.Classes()[0].Images[0]
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Picture(image); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
