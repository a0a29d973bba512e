package evaluate

import (
	"iter"
	"slices"

	"siamese/train/dataset"
)

// few is how many times as many pairs as are wanted there may be for all of them to be
// listed. Where there are more, drawing meets one twice seldom enough to draw again.
const few = 4

// drawDistinct adds count pairs of each kind, none twice, same and different in turn. Where
// fewer exist it adds as many of both as there are of the rarer kind.
func (d *pairDrawer) drawDistinct(count int) {
	same, different := atMost(d.samePairs(), few*count+1), atMost(d.differentPairs(), few*count+1)
	count = min(count, len(same), len(different))
	seen := map[Pairing]bool{}
	for i, pairs := range [][]Pairing{same, different} {
		if len(pairs) > few*count { // more than were listed
			continue
		}
		d.random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		if i == 0 {
			same = pairs[:count]
		} else {
			different = pairs[:count]
		}
	}
	for i := range count {
		d.addNext(same, len(same) == count, i, seen, d.drawSame, true)
		d.addNext(different, len(different) == count, i, seen, d.drawDifferent, false)
	}
}

// addNext adds the pair of a place in the list, or where all are not listed one that was
// not drawn yet.
func (d *pairDrawer) addNext(listed []Pairing, all bool, i int, seen map[Pairing]bool, draw func() Pairing, same bool) {
	if all {
		d.add(listed[i], same)
		return
	}
	for {
		pair := draw()
		if !seen[pair] && !seen[pair.turned()] {
			seen[pair] = true
			d.add(pair, same)
			return
		}
	}
}

// turned is the pair with its images exchanged.
func (p Pairing) turned() Pairing { return Pairing{p.B, p.A, p.ClassB, p.ClassA} }

// samePairs yields every pair of one class once.
func (d *pairDrawer) samePairs() iter.Seq[Pairing] {
	return func(yield func(Pairing) bool) {
		for _, class := range d.positives {
			name, images := d.classes[class].Name, d.classes[class].Images
			for i, a := range images {
				for _, b := range images[i+1:] {
					if !yield(Pairing{a, b, name, name}) {
						return
					}
				}
			}
		}
	}
}

// differentPairs yields every pair of two classes once.
func (d *pairDrawer) differentPairs() iter.Seq[Pairing] {
	return func(yield func(Pairing) bool) {
		for _, a := range d.anchors {
			for _, b := range d.others[a] {
				met := b < a && d.different(b, a) && slices.Contains(d.anchors, b)
				if d.different(a, b) && !met && !crossed(d.classes[a], d.classes[b], yield) {
					return
				}
			}
		}
	}
}

// crossed yields the images of one class with those of another.
func crossed(a, b dataset.Class, yield func(Pairing) bool) bool {
	for _, first := range a.Images {
		for _, second := range b.Images {
			if !yield(Pairing{first, second, a.Name, b.Name}) {
				return false
			}
		}
	}
	return true
}

// atMost collects the first n pairs.
func atMost(pairs iter.Seq[Pairing], n int) []Pairing {
	var first []Pairing
	for pair := range pairs {
		if first = append(first, pair); len(first) == n {
			break
		}
	}
	return first
}

// exist reports whether there are count pairs of each kind.
func (d *pairDrawer) exist(count int) bool {
	return len(atMost(d.samePairs(), count)) == count && len(atMost(d.differentPairs(), count)) == count
}
