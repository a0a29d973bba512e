package dataset

import (
	"context"
	"slices"
)

// twinLook is a twin and how it looks.
type twinLook struct {
	*twin // nil: it is left out after all
	look  *shapes
}

// keepApart leaves out twins that look like one of another class before in their
// alphabet, in any pose.
func keepApart(ctx context.Context, bases []*base, made [][]twinLook, poses []variant) error {
	alphabets := map[string][]int{}
	var names []string
	for i, b := range bases {
		if name := b.class.Alphabet; alphabets[name] == nil {
			names = append(names, name)
		}
		alphabets[b.class.Alphabet] = append(alphabets[b.class.Alphabet], i)
	}
	return each(ctx, len(names), func(n int) {
		var before []*shapes // of the classes before
		for _, i := range alphabets[names[n]] {
			known := len(before)
			for k, t := range made[i] {
				if slices.ContainsFunc(before[:known], func(other *shapes) bool { return t.look.like(other, poses, alikeRatio) }) {
					made[i][k].twin = nil
					continue
				}
				before = append(before, t.look)
			}
		}
	})
}

// like reports whether the drawings, made by one of the poses, lie little farther from
// the others than those of either do from each other.
func (s *shapes) like(other *shapes, poses []variant, ratio float32) bool {
	for _, v := range poses {
		if s.distance(v, other) <= ratio*max(s.within, other.within) {
			return true
		}
	}
	return false
}
