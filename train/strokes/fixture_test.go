package strokes_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/train/strokes"
)

var update = flag.Bool("update", false, "write the golden pictures")

const (
	pictures = "../../testdata/omniglot/"
	recorded = "../../testdata/strokes/"
)

// The drawings of which there are both a picture and the pen's path.
var both = []string{
	"Greek/character01/0394_01", "Greek/character01/0394_02", "Greek/character01/0394_18",
	"Greek/character02/0395_01", "Greek/character02/0395_07", "Greek/character02/0395_09",
	"Japanese_(katakana)/character31/0626_02", "Japanese_(katakana)/character31/0626_09", "Japanese_(katakana)/character31/0626_12",
	"Early_Aramaic/character02/0252_01", "Early_Aramaic/character02/0252_05",
}

// picture gives the pixels of a drawing.
func picture(t testing.TB, name string) []byte {
	t.Helper()
	return pixels(t, filepath.Join(pictures, name+".png"))
}

func pixels(t testing.TB, file string) []byte {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	size := decoded.Bounds()
	out := make([]byte, 0, size.Dx()*size.Dy())
	for y := range size.Dy() {
		for x := range size.Dx() {
			out = append(out, color.GrayModel.Convert(decoded.At(x, y)).(color.Gray).Y)
		}
	}
	return out
}

// path gives the pen's path of a drawing.
func path(t testing.TB, name string) strokes.Drawing {
	t.Helper()
	file, err := os.Open(filepath.Join(recorded, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	drawing, err := strokes.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return drawing
}

// traced gives the parts that are found in a picture.
func traced(t testing.TB, name string) (strokes.Drawing, float64) {
	t.Helper()
	drawing, pen, ok := strokes.Trace(picture(t, name), strokes.Side, strokes.Side)
	if !ok {
		t.Fatalf("Trace(%s) found no lines, want some", name)
	}
	return strokes.Parts(drawing), pen
}

// mostOff is the share of pixels that may differ from a golden picture's: processors that
// multiply and add in one step move an edge by a pixel here and there.
const mostOff = 0.002

// golden holds rows of pictures of one size against a file.
func golden(t *testing.T, name string, rows [][][]byte) {
	t.Helper()
	const side = strokes.Side
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	sheet := image.NewPaletted(image.Rect(0, 0, columns*side, len(rows)*side), color.Palette{color.White, color.Black, color.Gray{0x80}})
	for y, row := range rows {
		for x, drawn := range row {
			for i, level := range drawn {
				if level < 0x80 {
					sheet.SetColorIndex(x*side+i%side, y*side+i/side, 1)
				}
			}
		}
	}
	file := filepath.Join(recorded, "golden", name+".png")
	if *update {
		var encoded bytes.Buffer
		if err := png.Encode(&encoded, sheet); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, encoded.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := pixels(t, file)
	if len(want) != len(sheet.Pix) {
		t.Fatalf("%s has %d pixels, got %d", file, len(want), len(sheet.Pix))
	}
	off := 0
	for i, index := range sheet.Pix {
		if (index == 1) != (want[i] < 0x80) {
			off++
		}
	}
	if share := float64(off) / float64(len(want)); share > mostOff {
		t.Errorf("%s: %.4f of the pixels differ, want at most %v", file, share, mostOff)
	}
}
