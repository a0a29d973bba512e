package dataset

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"siamese/imaging"
	"siamese/train/strokes"
)

// ErrNoStrokes: there are no drawings among the images, dark lines on light paper.
var ErrNoStrokes = errors.New("no image shows dark lines on light paper")

// redrawStream sets the random numbers of drawing again apart from others of a seed.
const redrawStream = 0x726564726177 // "redraw"

// StrokesConfig says where the strokes of drawings come from, and what is made of them.
type StrokesConfig struct {
	Recorded *strokes.Library // the pen's paths of drawings by name; those of all others are traced. nil: of all
	Twins    int              // how many twins a class has at most; 0: none
	Seed     uint64           // draws the twins
}

// StrokesReport is what WithStrokes found.
type StrokesReport struct {
	Recorded int // images whose strokes were recorded
	Traced   int // images whose strokes were traced
	Without  int // images that show no lines: they are never drawn again
	Twins    int // in all, of classes that are neither turned nor mirrored
	Refused  int // twins that looked like another class or one before, or fit too few drawings
	// ByOperation counts the twins.
	ByOperation map[strokes.Operation]int
}

// penned is what a dataset knows of the strokes of its drawings. It never changes.
type penned struct {
	of    map[*file]*inked
	twins map[*file][]*twin // by the first image of the class that they are made of
}

// inked is a drawing as parts of strokes.
type inked struct {
	parts strokes.Drawing
	pen   float64 // width
	hard  bool    // pixels are ink or paper, nothing between
}

// redrawing says that an image is drawn again, of its strokes.
type redrawing struct {
	is   bool
	seed uint64 // of the hand and the pen
	twin *twin  // nil: the character itself
}

// WithStrokes returns the same dataset, whose drawings can be drawn again (Redrawn) and
// whose classes have twins (Twin). Strokes that were not recorded are traced in the
// pictures. It is called last, after Variants. Errors: ErrNoStrokes; those of Picture;
// ctx's.
func (d *Dataset) WithStrokes(ctx context.Context, cfg StrokesConfig) (*Dataset, StrokesReport, error) {
	if cfg.Twins < 0 {
		return nil, StrokesReport{}, fmt.Errorf("dataset: Twins is %d, expected 0 or more", cfg.Twins)
	}
	report := StrokesReport{ByOperation: map[strokes.Operation]int{}}
	known, err := d.inked(ctx, cfg.Recorded, &report)
	if err != nil {
		return nil, StrokesReport{}, fmt.Errorf("dataset: strokes: %w", err)
	}
	if len(known) == 0 {
		return nil, StrokesReport{}, fmt.Errorf("dataset: strokes: %w", ErrNoStrokes)
	}
	with := *d
	with.penned = &penned{of: known, twins: map[*file][]*twin{}}
	if cfg.Twins > 0 {
		if err := with.makeTwins(ctx, cfg, &report); err != nil {
			return nil, StrokesReport{}, fmt.Errorf("dataset: twins: %w", err)
		}
	}
	return &with, report, nil
}

// inked finds the strokes of all images, each once, whatever variants it is in.
func (d *Dataset) inked(ctx context.Context, recorded *strokes.Library, report *StrokesReport) (map[*file]*inked, error) {
	var images []Image
	for _, class := range d.classes {
		if first := class.Images[0]; first.Turns == 0 && !first.Mirrored {
			images = append(images, class.Images...)
		}
	}
	found, failed := make([]*inked, len(images)), make([]error, len(images))
	isRecorded := make([]bool, len(images))
	err := each(ctx, len(images), func(i int) { found[i], isRecorded[i], failed[i] = d.inkedOf(images[i], recorded) })
	if err = errors.Join(err, errors.Join(failed...)); err != nil {
		return nil, err
	}
	known := map[*file]*inked{}
	for i, image := range images {
		switch {
		case found[i] == nil:
			report.Without++
			continue
		case isRecorded[i]:
			report.Recorded++
		default:
			report.Traced++
		}
		known[image.file] = found[i]
	}
	return known, nil
}

// inkedOf gives an image's strokes; nil where it has none.
func (d *Dataset) inkedOf(image Image, recorded *strokes.Library) (found *inked, isRecorded bool, err error) {
	pixels, ok := d.Gray(image)
	canvas := d.canvas(1)
	if !ok {
		picture, err := d.picture(image)
		if err != nil {
			return nil, false, err
		}
		pixels = luminance(picture.Pix)
	}
	drawing, pen, ok := strokes.Trace(pixels, canvas.width, canvas.height)
	if !ok {
		return nil, false, nil
	}
	if path, known := recorded.Find(image.Name); known {
		drawing, isRecorded = path, true
	}
	return &inked{parts: strokes.Parts(drawing), pen: pen, hard: isHard(pixels)}, isRecorded, nil
}

// luminance is one channel of three: their mean.
func luminance(rgb []byte) []byte {
	gray := make([]byte, len(rgb)/3)
	for i := range gray {
		gray[i] = byte((int(rgb[3*i]) + int(rgb[3*i+1]) + int(rgb[3*i+2])) / 3)
	}
	return gray
}

// isHard reports whether all pixels are black or white.
func isHard(pixels []byte) bool {
	for _, level := range pixels {
		if level != 0 && level != math.MaxUint8 {
			return false
		}
	}
	return true
}

// Redrawn names the picture of the image's strokes, drawn again by the hand and the pen
// of a seed. It returns false, and the image as it is, where its strokes aren't known or
// it is drawn again or combined already.
func (d *Dataset) Redrawn(image Image, seed uint64) (Image, bool) {
	if d.penned == nil || d.penned.of[image.file] == nil || image.redrawn.is || image.second.how != 0 {
		return image, false
	}
	image.Name += "~again"
	image.redrawn = redrawing{is: true, seed: seed}
	return image, true
}

// Strokes gives an image's strokes in parts, upright, and the width of the pen; false
// where they are not known.
func (d *Dataset) Strokes(image Image) (parts strokes.Drawing, pen float64, ok bool) {
	if d.penned == nil || d.penned.of[image.file] == nil {
		return strokes.Drawing{}, 0, false
	}
	known := d.penned.of[image.file]
	return known.parts, known.pen, true
}

// drawnAgain makes the pixels of an image that is drawn again, turned and mirrored as it
// says.
func (d *Dataset) drawnAgain(image Image) ([]byte, bool) {
	if d.penned == nil || d.penned.of[image.file] == nil {
		return nil, false
	}
	canvas := d.canvas(1)
	pixels, err := canvas.pose(d.penned.draw(image.file, image.redrawn, canvas), image)
	return pixels, err == nil
}

// redrawnPicture is drawnAgain as a picture.
func (d *Dataset) redrawnPicture(image Image) (*imaging.Picture, error) {
	pixels, ok := d.drawnAgain(image)
	if !ok {
		return nil, fmt.Errorf("dataset: image %q: %w", image.Name, ErrForeignImage)
	}
	c := d.canvas(1)
	return &imaging.Picture{Width: c.width, Height: c.height, Pix: widened(pixels)}, nil
}

// draw draws a file's strokes, or a twin's, by the hand of a seed.
func (p *penned) draw(of *file, how redrawing, c canvas) []byte {
	random := rand.New(rand.NewPCG(how.seed, redrawStream))
	known := p.of[of]
	parts := known.parts
	if how.twin != nil {
		known, parts = how.twin.drawing(p, of, random)
	}
	again, pen := strokes.Again(random, parts, known.pen)
	pen.Hard = known.hard
	return pen.Draw(again, c.width, c.height)
}

// nameSeed is a number by a name.
func nameSeed(name string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // a hash takes everything
	return sum.Sum64()
}
