package imaging_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/imaging/sandbox"
)

// heifVariants are small files of the ways in which HEIF holds a picture.
var heifVariants = []string{"heic/alpha.heic", "heic/tiles.heic", "heic/bits_12.heic", "avif/chroma_420.avif", "avif/sequence_rgba.avif"}

// warmDecoders compiles the decoders, so that what a picture takes can be measured.
func warmDecoders(t testing.TB) {
	t.Helper()
	for _, decoder := range []*sandbox.Module{sandbox.HEVC, sandbox.AV1, sandbox.JPEG, sandbox.TIFF} {
		if err := decoder.Warm(); err != nil {
			t.Fatal(err)
		}
	}
}

// Wherever a file is cut off, an error or a picture comes of it.
func TestTruncatedHEIFNeverPanics(t *testing.T) {
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MinSide: 1}})
	for _, name := range heifVariants {
		t.Run(name, func(t *testing.T) {
			whole := readVariant(t, name)
			for length := range whole {
				if _, err := p.Inspect(whole[:length]); err != nil {
					wantRefusal(t, err)
				}
			}
			for eighths := range 8 {
				_, err := p.Decode(whole[:len(whole)*eighths/8])
				if err == nil && strings.Contains(name, "sequence") {
					continue // its first picture may be whole
				}
				if err == nil {
					t.Errorf("Decode of %d eighths of the file gave a picture", eighths)
				} else {
					wantRefusal(t, err)
				}
			}
		})
	}
}

// Whatever byte is damaged, decoding stays within its estimate.
func TestDamagedHEIFStaysWithinItsEstimate(t *testing.T) {
	warmDecoders(t)
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MinSide: 1, MaxPixels: 1 << 16}})
	for _, name := range heifVariants {
		t.Run(name, func(t *testing.T) {
			whole := readVariant(t, name)
			for at := 0; at < len(whole); at += 1 + len(whole)/30 {
				damaged := bytes.Clone(whole)
				damaged[at] ^= 0x5a
				header, _ := p.Inspect(damaged)
				var err error
				took := allocated(func() { _, err = p.Decode(damaged) })
				if err != nil {
					wantRefusal(t, err)
				}
				if estimate := header.Cost.Bytes; estimate > 0 && took > estimate+fuzzSlack {
					t.Errorf("byte %d: %d bytes were taken, more than the %d estimated", at, took, estimate)
				}
			}
		})
	}
}

func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*imaging.Error](err); !ok {
		t.Errorf("the error is %v, want an *imaging.Error", err)
	}
}

// A decoder that runs is told to end.
func TestPrepareWhileEndsHEIF(t *testing.T) {
	warmDecoders(t)
	errEnough := errors.New("enough")
	p := newPreparer(t, imaging.Config{Limits: imaging.Limits{MinSide: 1}})
	for _, name := range heifVariants {
		asked := 0
		_, err := p.PrepareWhile(readVariant(t, name), func() error {
			if asked++; asked > 2 {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Errorf("PrepareWhile(%s) = %v after %d questions, want %v", name, err, asked, errEnough)
		}
	}
}

// The size that a file declares passes the limits before anything is decoded.
func TestInspectBoundsHEIF(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	data := bytes.Clone(readVariant(t, "avif/chroma_420.avif"))
	at := bytes.Index(data, []byte("ispe"))
	binary.BigEndian.PutUint32(data[at+8:], 50_000)
	binary.BigEndian.PutUint32(data[at+12:], 50_000)
	_, err := p.Inspect(data)
	if !errors.Is(err, &imaging.Error{Reason: imaging.ReasonTooManyPixels}) {
		t.Errorf("Inspect = %v, want %s", err, imaging.ReasonTooManyPixels)
	}
}

// Films share the outer structure of HEIF.
func TestFilmsAreOfNoKnownFormat(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, brand := range []string{"isom", "mp42", "qt  ", "M4V ", "3gp5"} {
		film := append([]byte("\x00\x00\x00\x14ftyp"), brand+"\x00\x00\x00\x00"+"avc1"...)
		_, err := p.Inspect(film)
		if !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown}) {
			t.Errorf("Inspect of a film of brand %q = %v, want %s", brand, err, imaging.ReasonFormatUnknown)
		}
	}
}
