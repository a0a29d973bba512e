package imaging_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"siamese/imaging"
)

// sandboxed are variants that libjpeg or libtiff reads, by the ways in which they take
// memory: rows, coefficients, strips, tiles, planes, and libtiff's own colours.
var sandboxed = []string{
	"jpeg/reported_F1_progressive_restart_420.jpg", "jpeg/reported_jpg_arith.jpg", "jpeg/scans_4x2.jpg", "jpeg/sampling_1x3.jpg", "jpeg/cmyk_progressive.jpg",
	"jpeg/lost_end_gray.jpg", "tiff/reported_tif_bigtiff.tif", "tiff/planar_tiles_zip.tif", "tiff/jpeg_ycbcr.tif", "tiff/jpeg_tiles.tif", "tiff/ycbcr.tif",
	"tiff/group4_reversed.tif", "tiff/float_big.tif", "tiff/cmyk16_tiles_zip.tif", "tiff/gray2_0.tif",
	"tiff/zstd_tiles.tif", "tiff/lzma_tiles.tif", "tiff/lzma_dictionary.tif",
}

func readVariant(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(variantsFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The memory of an instance is Go's: it is counted in full, touched or not.
func TestCostBoundsMemoryInTheSandbox(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, name := range sandboxed {
		encoded := readVariant(t, name)
		header, err := p.Inspect(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Prepare(encoded); err != nil { // compiles the decoder
			t.Errorf("Prepare(%s) = %v", name, err)
		}
		took := allocated(func() { _, _ = p.Prepare(encoded) })
		t.Logf("%-45s %9d bytes estimated, %9d taken, %v of work", name, header.Cost.Bytes, took, header.Cost.Work)
		if took > header.Cost.Bytes {
			t.Errorf("%s: %d bytes were taken, more than the %d estimated", name, took, header.Cost.Bytes)
		}
		// With the tag turbo the library takes some of these JPEGs instead, outside Go's heap.
		native := header.Format == imaging.JPEG && imaging.JPEGDecoder == "libturbojpeg"
		if !native && header.Cost.Bytes > overestimate*took {
			t.Errorf("%s: %d bytes were taken, far less than the %d estimated", name, took, header.Cost.Bytes)
		}
	}
}

func TestSandboxStopsWhenToldTo(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, name := range sandboxed {
		calls := 0
		picture, err := p.PrepareWhile(readVariant(t, name), func() error {
			calls++
			return errEnough
		})
		if calls == 1 && picture == nil && errors.Is(err, errEnough) {
			continue
		}
		// A small picture may be done before the first question.
		if calls > 0 || err != nil {
			t.Errorf("%s: PrepareWhile = %v, %v after %d questions, want the error that ended it after one", name, picture != nil, err, calls)
		}
	}
}

// However it is cut, a picture is whole or an error: with the end's marker of a JPEG
// alone missing it is whole.
func TestSandboxShowsNoCutPicture(t *testing.T) {
	p := newPreparer(t, imaging.Config{})
	for _, name := range []string{"jpeg/scans_4x2.jpg", "jpeg/sampling_1x3.jpg", "jpeg/arithmetic_gray.jpg", "tiff/jpeg_tiles.tif", "tiff/planar_tiles_zip.tif", "tiff/group4_reversed.tif", "tiff/zstd_planar.tif", "tiff/lzma_planar.tif"} {
		encoded := readVariant(t, name)
		whole, err := p.Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(encoded); n += 1 + len(encoded)/150 {
			cut, err := p.Decode(encoded[:n])
			if _, ok := errors.AsType[*imaging.Error](err); err != nil && !ok {
				t.Fatalf("%s, %d bytes of %d: %v, want an *Error", name, n, len(encoded), err)
			}
			if err == nil && string(cut.Pix) != string(whole.Pix) {
				t.Errorf("%s, %d bytes of %d: another picture, want the same or an error", name, n, len(encoded))
			}
		}
	}
}

// More pictures at once than there are places wait for each other.
func TestSandboxTakesManyAtOnce(t *testing.T) {
	const many = 500
	p := newPreparer(t, imaging.Config{})
	encoded := readVariant(t, "jpeg/sampling_1x3.jpg")
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			if _, err := p.Prepare(encoded); err != nil {
				t.Errorf("Prepare = %v", err)
			}
		})
	}
	all.Wait()
}
