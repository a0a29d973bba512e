package sample

import (
	"fmt"
	"math"

	"siamese/train/dataset"
)

// maxTwins leaves each twin its base class in the same batch.
const maxTwins = 0.5

// validateStrokes reports a share that is out of range. Written so that a NaN is refused,
// too.
func (c AllPairsConfig) validateStrokes() error {
	if !(c.Redraw >= 0 && c.Redraw <= 1) {
		return fmt.Errorf("sample: Redraw is %v, expected 0 to 1", c.Redraw)
	}
	if !(c.Twins >= 0 && c.Twins <= maxTwins) {
		return fmt.Errorf("sample: Twins is %v, expected 0 to %v", c.Twins, maxTwins)
	}
	if c.Twins+c.Combine > maxCombine {
		return fmt.Errorf("sample: Twins is %v and Combine %v, expected at most %v together", c.Twins, c.Combine, maxCombine)
	}
	return nil
}

// twinning draws the twins of a batch, each beside the class that it is made of.
type twinning struct {
	*allPairs
	left   int // twins that are still wanted
	number int // of twins so far
}

func (s *allPairs) twinning() *twinning {
	return &twinning{allPairs: s, left: int(math.Round(s.twins * float64(s.images/s.perClass)))}
}

// beside adds images of one of the class's twins, at most the given number, and returns
// how many. Its label lies above those of all classes, also of combined ones.
func (t *twinning) beside(g *gathering, number, most int) int {
	if t.left == 0 || most == 0 {
		return 0
	}
	class := t.classes[number]
	there := t.data.Twins(class)
	if there == 0 {
		return 0
	}
	twin := t.IntN(there)
	added := 0
	for _, i := range t.distinct(len(class.Images), min(t.perClass, len(class.Images), most)) {
		image, err := t.data.Twin(class, twin, class.Images[i], t.Uint64())
		if err != nil {
			continue // a picture without strokes in a class that has some
		}
		g.batch.Images = append(g.batch.Images, image)
		g.batch.Labels = append(g.batch.Labels, int32(len(t.classes)+t.images+t.number))
		added++
	}
	if added > 0 {
		t.left--
		t.number++
	}
	return added
}

// redraw has a share of the images drawn again.
func (s *allPairs) redraw(images []dataset.Image) {
	if s.redrawn == 0 {
		return
	}
	for i, image := range images {
		if s.Float64() < s.redrawn {
			images[i], _ = s.data.Redrawn(image, s.Uint64())
		}
	}
}
