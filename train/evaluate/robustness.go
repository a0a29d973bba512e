package evaluate

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"math"

	"siamese/imaging"
	"siamese/train/augment"
	"siamese/train/dataset"
)

// RobustnessConfig says which pairs are asked again with a changed picture.
type RobustnessConfig struct {
	Pairs int    // half of them same; an even number above 0
	Seed  uint64 // the same seed and dataset give the same pairs
}

// RobustnessResult is how far similarities move when one picture of a pair is
// changed in a way that means nothing.
type RobustnessResult struct {
	Pairs   int      `json:"pairs"`
	Mean    float64  `json:"mean"` // over all changes: mean |similarity after - before|
	Changes []Change `json:"changes"`
}

// Change is one way to change the second picture.
type Change struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean"` // mean |similarity after - before|
	Most float64 `json:"most"` // the largest of them
}

// jpegQuality is the quality of the change "JPEG".
const jpegQuality = 75

// changes are applied to pictures of the network's input.
var changes = []struct {
	name  string
	apply func(*imaging.Picture) (*imaging.Picture, error)
}{
	{"JPEG of quality 75", throughJPEG},
	{"turned by 3 degrees", placed(3, 0, 0)},
	{"turned by -3 degrees", placed(-3, 0, 0)},
	{"4 pixels to the right", placed(0, 4, 0)},
	{"4 pixels to the left", placed(0, -4, 0)},
	{"4 pixels down", placed(0, 0, 4)},
	{"4 pixels up", placed(0, 0, -4)},
}

func placed(degrees, x, y float64) func(*imaging.Picture) (*imaging.Picture, error) {
	return func(p *imaging.Picture) (*imaging.Picture, error) { return augment.Place(p, degrees, x, y), nil }
}

// throughJPEG writes and reads the picture as a JPEG file.
func throughJPEG(p *imaging.Picture) (*imaging.Picture, error) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, p.Image(), &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil, err
	}
	preparer, err := imaging.New(imaging.Config{Width: p.Width, Height: p.Height})
	if err != nil {
		return nil, err
	}
	return preparer.Prepare(file.Bytes())
}

// Robustness draws pairs as Verify does, with negatives of any class, and
// measures how far the similarity of each moves when its second picture is
// changed: by JPEG, by a turn of 3 degrees, by a shift of 4 pixels. Errors are
// Verify's.
func Robustness(ctx context.Context, model Model, d *dataset.Dataset, config RobustnessConfig) (RobustnessResult, error) {
	if config.Pairs < 2 || config.Pairs%2 != 0 {
		return RobustnessResult{}, fmt.Errorf("robustness: Pairs is %d, expected an even number above 0", config.Pairs)
	}
	drawer, err := newPairDrawer(d.Classes(), VerifyConfig{Seed: config.Seed})
	if err != nil {
		return RobustnessResult{}, fmt.Errorf("robustness: %w", err)
	}
	drawer.draw(config.Pairs / 2)
	// Picture i of the drawn is i·(1+len(changes)); its changes follow it.
	stride := 1 + len(changes)
	images, err := embed(ctx, model, len(drawer.images)*stride, func(i int) (*imaging.Picture, error) {
		p, err := d.Picture(drawer.images[i/stride])
		if err != nil || i%stride == 0 {
			return p, err
		}
		return changes[i%stride-1].apply(p)
	})
	if err != nil {
		return RobustnessResult{}, fmt.Errorf("robustness: %w", err)
	}
	similarities := make([][]float64, stride)
	for change := range similarities {
		pairs := make([]indices, len(drawer.pairs))
		for i, pair := range drawer.pairs {
			pairs[i] = indices{a: pair.a * stride, b: pair.b*stride + change}
		}
		if similarities[change], err = compare(ctx, model, images, pairs); err != nil {
			return RobustnessResult{}, fmt.Errorf("robustness: %w", err)
		}
	}
	return robustness(similarities), nil
}

// robustness compares the similarities of each change with the unchanged, the
// first ones.
func robustness(similarities [][]float64) RobustnessResult {
	result := RobustnessResult{Pairs: len(similarities[0])}
	for number, change := range changes {
		measured := Change{Name: change.name}
		for i, before := range similarities[0] {
			moved := math.Abs(similarities[number+1][i] - before)
			measured.Mean += moved / float64(result.Pairs)
			measured.Most = max(measured.Most, moved)
		}
		result.Mean += measured.Mean / float64(len(changes))
		result.Changes = append(result.Changes, measured)
	}
	return result
}
