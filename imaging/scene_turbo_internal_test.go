//go:build turbo

package imaging

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

// Images for the tests of libturbojpeg, and the way of the pure decoder.

// taskOf is what Prepare makes of an image, and the Preparer.
func taskOf(t *testing.T, config Config, encoded []byte) (task, *Preparer) {
	t.Helper()
	p, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	header, err := p.Inspect(encoded)
	if err != nil {
		t.Fatal(err)
	}
	turn := parseOrientation(exifBlock(JPEG, encoded))
	l := p.config.layout(turn.size(header.Width, header.Height))
	width, height := turn.size(l.scaledWidth, l.scaledHeight)
	return task{header: header, data: encoded, needed: image.Pt(width, height)}, p
}

// preparePure is Prepare by the standard library's decoder.
func preparePure(t *testing.T, p *Preparer, work task) *Picture {
	t.Helper()
	decoded, err := decodeJPEG(work, newSource(work.data, 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	source, err := pixelsOf(decoded, work.header, CompositeWhite)
	if err != nil {
		t.Fatal(err)
	}
	s := new(scratch)
	source = parseOrientation(exifBlock(JPEG, work.data)).apply(source, s)
	return p.fit(source, p.config.layout(source.width, source.height), s)
}

// levelsApart returns the largest and the mean absolute difference.
func levelsApart(got, want []byte) (largest int, mean float64) {
	sum := 0
	for i := range got {
		diff := max(int(got[i])-int(want[i]), int(want[i])-int(got[i]))
		largest, sum = max(largest, diff), sum+diff
	}
	return largest, float64(sum) / float64(len(got))
}

func readPhoto(t *testing.T, name string) []byte {
	t.Helper()
	return readTestFile(t, filepath.Join("../testdata/photos", name))
}

func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	return readTestFile(t, filepath.Join("../testdata/imaging/input", name))
}

func readTestFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// encodeScene draws discs on a slope, up to the edges, with halved chroma.
func encodeScene(t *testing.T, width, height int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{R: uint8(x * 200 / width), G: uint8(y * 200 / height), B: uint8((x + y) * 99 / (width + height)), A: 255}
			if dx, dy := x%97-48, y%89-44; dx*dx+dy*dy < 900 {
				c.R, c.B = 255-c.R, c.B+120
			}
			m.SetRGBA(x, y, c)
		}
	}
	return encode(t, m)
}

// grayOf keeps an image's luma alone.
func grayOf(t *testing.T, encoded []byte) []byte {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	planes := m.(*image.YCbCr)
	return encode(t, &image.Gray{Pix: planes.Y, Stride: planes.YStride, Rect: planes.Rect})
}

func encode(t *testing.T, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rgbOf says of an image's planes, in Adobe's way, that they are RGB. The other
// marker that would contradict, JFIF's, goes.
func rgbOf(encoded []byte) []byte {
	const jfif = 18 // bytes, with its marker
	adobe := "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	return bytes.Join([][]byte{encoded[:2], []byte(adobe), encoded[2+jfif:]}, nil)
}

// turnedJPEG puts an EXIF orientation into an image.
func turnedJPEG(encoded []byte, turn orientation) []byte {
	exif := "\xff\xe1\x00\x22" + exifPrefix + "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"
	exif += string([]byte{byte(turn), 0, 0, 0, 0, 0, 0})
	return bytes.Join([][]byte{encoded[:2], []byte(exif), encoded[2:]}, nil)
}
