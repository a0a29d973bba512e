package imaging_test

import (
	"bytes"
	"errors"
	"testing"

	"siamese/imaging"
)

// whole lists one input a format or coding.
var whole = []string{
	"baseline-420.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg",
	"scene-160x120.png", "palette-alpha-120x90.png", "glyph-105x105.png",
	"palette.gif", "interlaced.gif", "rgb.bmp", "glyph.bmp",
	"rgb-lzw.tiff", "rgb-deflate.tiff", "glyph-g4.tiff",
	"lossy.webp", "lossy-alpha.webp", "lossless.webp",
}

func TestTruncatedImagesAreErrors(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, name := range whole {
		t.Run(name, func(t *testing.T) {
			encoded := readInput(t, name)
			for eighths := 1; eighths < 8; eighths++ {
				picture, err := p.Prepare(encoded[:len(encoded)*eighths/8])
				wantReason(t, picture, err, imaging.ReasonUndecodable)
			}
		})
	}
}

func TestBytesBehindTheImageAreIgnored(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, name := range whole {
		t.Run(name, func(t *testing.T) {
			encoded := readInput(t, name)
			want := prepare(t, p, encoded)
			got := prepare(t, p, append(bytes.Clone(encoded), "trailing \xff\xda garbage"...))
			if !bytes.Equal(got.Pix, want.Pix) {
				t.Error("bytes behind the image changed the picture")
			}
		})
	}
}

func TestDamageNeverPanics(t *testing.T) {
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MaxPixels: 1 << 16}})
	for _, name := range whole {
		t.Run(name, func(t *testing.T) {
			encoded := readInput(t, name)
			for at := 0; at < len(encoded); at += 1 + len(encoded)/24 {
				damaged := bytes.Clone(encoded)
				damaged[at] ^= 0x5a
				picture, err := p.Prepare(damaged)
				var refusal *imaging.Error
				if err != nil && !errors.As(err, &refusal) {
					t.Fatalf("Prepare with byte %d changed = %v, want an *imaging.Error", at, err)
				}
				if err == nil && len(picture.Pix) != 105*105*3 {
					t.Fatalf("Prepare with byte %d changed gave %d bytes, want %d", at, len(picture.Pix), 105*105*3)
				}
			}
		})
	}
}

// fuzzSlack is for what else allocates meanwhile.
const fuzzSlack = 4 << 20

func FuzzPrepare(f *testing.F) {
	seen := map[string]bool{}
	for _, c := range goldenCases(f) {
		if !seen[c.Input] {
			seen[c.Input] = true
			f.Add(readInput(f, c.Input))
		}
	}
	for _, header := range [][]byte{pngHeader(9, 9), gifHeader(9, 9), bmpHeader(9, 9), tiffHeader(9, 9), jpegHeader(9, 9), animatedWebP()} {
		f.Add(header)
	}
	for _, name := range append(heifVariants, "webp/anim_offset_lossy_alpha.webp", "webp/unknown_chunk_lossy.webp") {
		f.Add(readVariant(f, name))
	}
	warmDecoders(f)
	limits := imaging.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 16}
	square := newPreparer(f, imaging.Config{Limits: limits})
	boxed := newPreparer(f, imaging.Config{Width: 40, Height: 24, Rule: imaging.Letterbox, Alpha: imaging.DropAlpha, Limits: limits})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		for _, p := range []*imaging.Preparer{square, boxed} {
			header, _ := p.Inspect(encoded)
			var picture *imaging.Picture
			var err error
			took := allocated(func() { picture, err = p.Prepare(encoded) })
			if estimate := header.Cost.Bytes; estimate > 0 && took > estimate+fuzzSlack {
				t.Errorf("%d bytes were taken, more than the %d estimated", took, estimate)
			}
			var refusal *imaging.Error
			switch {
			case err != nil && (picture != nil || !errors.As(err, &refusal)):
				t.Errorf("Prepare = %v, %v, want no picture and an *imaging.Error", picture, err)
			case err == nil && len(picture.Pix) != p.Config().Width*p.Config().Height*3:
				t.Errorf("Prepare gave %d bytes, want a whole picture", len(picture.Pix))
			}
		}
	})
}
