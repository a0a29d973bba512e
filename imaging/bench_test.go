package imaging_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
)

// photo draws something with the smooth areas and the edges of a photograph.
func photo(width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	state := uint32(1)
	for y := range height {
		for x := range width {
			state = state*1664525 + 1013904223
			grain := int(state >> 28)
			edge := 0
			if (x/37+y/23)%3 == 0 {
				edge = 70
			}
			m.SetRGBA(x, y, color.RGBA{
				R: uint8(x*150/width + edge + grain), G: uint8(y*150/height + edge), B: uint8((x+y)*90/width + grain), A: 255,
			})
		}
	}
	return m
}

// deepPhoto is a photo of 16 bits a sample.
func deepPhoto(width, height int) *image.NRGBA64 {
	m, deep := photo(width, height), image.NewNRGBA64(image.Rect(0, 0, width, height))
	for i, v := range m.Pix {
		deep.Pix[2*i], deep.Pix[2*i+1] = v, v
	}
	return deep
}

func encodeJPEG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 90}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func encodePNG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkPrepare is the whole way; BenchmarkDecode is the standard library's
// share of it.
func BenchmarkPrepare(b *testing.B) {
	for _, size := range []image.Point{{X: 640, Y: 480}, {X: 1920, Y: 1080}} {
		encoded := encodeJPEG(b, photo(size.X, size.Y))
		b.Run(fmt.Sprintf("jpeg-%dx%d", size.X, size.Y), func(b *testing.B) { benchmarkPrepare(b, encoded) })
	}
	b.Run("png-105x105", func(b *testing.B) { benchmarkPrepare(b, encodePNG(b, photo(105, 105))) })
	b.Run("png-1bit-105x105", func(b *testing.B) { benchmarkPrepare(b, readInput(b, "glyph-105x105.png")) })
	b.Run("png-640x480", func(b *testing.B) { benchmarkPrepare(b, encodePNG(b, photo(640, 480))) })
	for _, profile := range []string{"srgb_v2", "display_p3", "mft2_lab"} {
		encoded := withProfile(b, encodePNG(b, photo(640, 480)), profile)
		b.Run("png-640x480-"+profile, func(b *testing.B) { benchmarkPrepare(b, encoded) })
	}
	b.Run("png-640x480-16bit", func(b *testing.B) { benchmarkPrepare(b, encodePNG(b, deepPhoto(640, 480))) })
}

func benchmarkPrepare(b *testing.B, encoded []byte) {
	p := newPreparer(b, imaging.Config{})
	b.ReportAllocs()
	b.SetBytes(int64(len(encoded)))
	for b.Loop() {
		if _, err := p.Prepare(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	encoded := encodeJPEG(b, photo(640, 480))
	for b.Loop() {
		if _, err := jpeg.Decode(bytes.NewReader(encoded)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	p := newPreparer(b, imaging.Config{})
	encoded := encodeJPEG(b, photo(640, 480))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Inspect(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLarge decodes whole the pictures of the folder LARGE, which
// scripts/imaging-variants/large.py makes.
func BenchmarkLarge(b *testing.B) {
	folder := os.Getenv("LARGE")
	if folder == "" {
		b.Skip("LARGE is not set: scripts/imaging-variants/large.py makes the folder")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no pictures in %s: %v", folder, err)
	}
	p := newPreparer(b, imaging.Config{Limits: imaging.Limits{MaxBytes: 1 << 28, MaxDecodeBytes: 1 << 31}})
	for _, name := range files {
		encoded, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(name), func(b *testing.B) {
			if _, err := p.Decode(encoded); err != nil { // compiles the decoder
				b.Fatal(err)
			}
			for b.Loop() {
				_, _ = p.Decode(encoded)
			}
		})
	}
}
