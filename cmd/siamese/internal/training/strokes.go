package training

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
)

// strokesFlags are those about drawings as a pen's paths.
type strokesFlags struct {
	StrokeData   []string `help:"Names folders and zip files of the paths that the pen took in the drawings, in Omniglot's form (strokes_background_small1.zip); with --resume, where they lie now. Of all other drawings they are traced. Empty: of all." placeholder:"PATH" json:"stroke_data,omitempty"`
	StrokeDigest string   `kong:"-" json:"stroke_digest,omitempty"` // strokes.Library.Digest
	Redraw       float64  `help:"Sets the share of a batch's drawings that are drawn again by their strokes, by another hand and pen. 0: none." default:"0" json:"redraw,omitempty"`
	Twins        float64  `help:"Sets the share of a batch's classes that nearly are another class of it: made of that one's strokes, with one removed, added, replaced, bent, mirrored, lengthened or moved, or some of another character. 0: none." default:"0" json:"twins,omitempty"`
}

// strokesFields are the fields of strokesFlags by name.
var strokesFields = []string{"StrokeData", "Redraw", "Twins"}

// conflict reports flags that contradict each other.
func (f strokesFlags) conflict(combine, classWeight float64) error {
	switch {
	case f.Redraw > 1:
		return fmt.Errorf("train: --redraw is %v, expected 0 to 1: a share of the drawings", f.Redraw)
	case f.Twins > 0.5:
		return fmt.Errorf("train: --twins is %v, expected 0 to 0.5: each comes with the class that it is made of", f.Twins)
	case f.Twins+combine > 0.9:
		return fmt.Errorf("train: --twins is %v and --combine %v, expected at most 0.9 together: some classes stay as they are", f.Twins, combine)
	case f.Twins > 0 && classWeight > 0:
		return errors.New("train: --twins makes classes of a batch alone, which --class-weight can't name: use one of them")
	case f.Twins > 0 && f.Redraw == 0:
		return errors.New("train: --twins are drawn by the program's pen, and without --redraw nothing else is: the network would learn to tell pens apart; give --redraw 0.5 or so with it")
	case f.Twins == 0 && f.Redraw == 0 && len(f.StrokeData) > 0:
		return errors.New("train: --stroke-data has strokes for --redraw, and changes nothing without: use it with --redraw, or leave it out")
	}
	return nil
}

// settleStrokeData makes the places of strokes absolute: a run may go on elsewhere.
func (f *strokesFlags) settleStrokeData() error {
	for i, place := range f.StrokeData {
		absolute, err := filepath.Abs(place)
		if err != nil {
			return err
		}
		f.StrokeData[i] = absolute
	}
	return nil
}

// withStrokes gives the data that is learnt from its strokes, where flags want them.
func (c *Command) withStrokes(ctx context.Context, learn *dataset.Dataset, logger *slog.Logger) (*dataset.Dataset, error) {
	if c.Redraw == 0 {
		return learn, nil
	}
	config := dataset.StrokesConfig{Seed: c.Seed}
	if c.Twins > 0 {
		config.Twins = datasets.TwinsPerClass
	}
	recorded, err := datasets.OpenStrokes(ctx, c.StrokeData)
	if err != nil {
		return nil, err
	}
	config.Recorded = recorded
	digest := ""
	if recorded != nil {
		digest = recorded.Digest()
	}
	if c.Resume != "" && digest != c.StrokeDigest {
		return nil, fmt.Errorf("train: --stroke-data %v: other strokes than the run was begun with: --resume goes on with the same alone, wherever they lie", c.StrokeData)
	}
	c.StrokeDigest = digest
	learn, report, err := learn.WithStrokes(ctx, config)
	if err != nil {
		return nil, err
	}
	if recorded != nil && report.Recorded == 0 {
		return nil, fmt.Errorf("train: --stroke-data %v: received strokes of %d drawings, expected some of a picture that is learnt from, such as %q", c.StrokeData, recorded.Len(), recorded.Names()[0])
	}
	tellStrokes(report, logger)
	if c.Twins > 0 && report.Twins == 0 {
		return nil, errors.New("train: --twins: no class has a twin that looks like no other one: leave it out")
	}
	return learn, nil
}

// tellStrokes logs what was found and made.
func tellStrokes(report dataset.StrokesReport, logger *slog.Logger) {
	logger.Info("strokes", "recorded", report.Recorded, "traced", report.Traced, "without", report.Without)
	if report.Twins > 0 {
		logger.Info("twins", "twins", report.Twins, "left_out", report.Refused)
	}
}
