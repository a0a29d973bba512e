package compare

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	xdraw "golang.org/x/image/draw"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/internal/atomicfile"
)

// The plot's measures in pixels.
const (
	plotSide   = 315 // of the longer side of a picture: three times Omniglot's 105
	plotMargin = 24
	plotTitle  = 56
	plotFont   = 26
)

// plotQuality is a JPEG's: letters stay sharp.
const plotQuality = 95

// plotFormats are what a plot is written as, by its file's name.
var plotFormats = map[string]func(io.Writer, image.Image) error{
	".png":  png.Encode,
	".jpg":  writeJPEG,
	".jpeg": writeJPEG,
}

func writeJPEG(w io.Writer, plot image.Image) error {
	return jpeg.Encode(w, plot, &jpeg.Options{Quality: plotQuality})
}

// ending is what a file's name says about its format.
func ending(path string) string { return strings.ToLower(filepath.Ext(path)) }

// checkPlot refuses a name whose format is not written.
func checkPlot(path string) error {
	if _, ok := plotFormats[ending(path)]; path != "" && !ok {
		return cli.Usage(fmt.Errorf("--plot %s: received a name that ends in %q, expected .png, .jpg or .jpeg", path, filepath.Ext(path)))
	}
	return nil
}

// writePlot draws both prepared pictures side by side under the similarity, as
// upstream's predict.py shows them.
func writePlot(path string, comparison scorer.Comparison) error {
	a, err := png.Decode(bytes.NewReader(comparison.PreparedA))
	if err != nil {
		return fmt.Errorf("plot: first picture: %w", err)
	}
	b, err := png.Decode(bytes.NewReader(comparison.PreparedB))
	if err != nil {
		return fmt.Errorf("plot: second picture: %w", err)
	}
	verdict := scorer.Word(comparison.Same)
	if comparison.Warning != "" {
		verdict += "?"
	}
	similarity, _ := scorer.Agree(comparison.Similarity, comparison.Threshold, comparison.Same)
	canvas, err := drawPlot(a, b, fmt.Sprintf("Similarity: %s (%s)", similarity, verdict))
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return atomicfile.Replace(path, func(w io.Writer) error { return plotFormats[ending(path)](w, canvas) })
}

func drawPlot(a, b image.Image, title string) (image.Image, error) {
	canvas := image.NewRGBA(image.Rect(0, 0, 2*plotSide+3*plotMargin, plotTitle+plotSide+plotMargin))
	draw.Draw(canvas, canvas.Bounds(), image.White, image.Point{}, draw.Src)
	for i, picture := range []image.Image{a, b} {
		corner := image.Pt(plotMargin+i*(plotSide+plotMargin), plotTitle)
		drawPicture(canvas, corner, picture)
	}
	return canvas, drawTitle(canvas, title)
}

// drawPicture enlarges a picture into the square at corner, pixels kept
// visible, with a frame: drawings are white to their edge.
func drawPicture(canvas draw.Image, corner image.Point, picture image.Image) {
	size := picture.Bounds().Size()
	longer := max(size.X, size.Y)
	width, height := size.X*plotSide/longer, size.Y*plotSide/longer
	corner = corner.Add(image.Pt((plotSide-width)/2, (plotSide-height)/2))
	target := image.Rectangle{Min: corner, Max: corner.Add(image.Pt(width, height))}
	draw.Draw(canvas, target.Inset(-1), image.NewUniform(color.Gray{Y: 150}), image.Point{}, draw.Src)
	xdraw.NearestNeighbor.Scale(canvas, target, picture, picture.Bounds(), xdraw.Src, nil)
}

func drawTitle(canvas draw.Image, title string) error {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: plotFont, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	defer face.Close()
	drawer := &font.Drawer{Dst: canvas, Src: image.Black, Face: face}
	left := (fixed.I(canvas.Bounds().Dx()) - drawer.MeasureString(title)) / 2
	drawer.Dot = fixed.Point26_6{X: left, Y: fixed.I(plotTitle - plotMargin/2 - 8)}
	drawer.DrawString(title)
	return nil
}
