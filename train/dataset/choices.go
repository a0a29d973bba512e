package dataset

import (
	"iter"
	"slices"
)

// maxChoices bounds how many other choices are looked at: data of so many classes that
// none of these parts them is not parted by chance at all.
const maxChoices = 1000

// otherChoices yields what else may be held out than what was drawn first, by the same
// chance, the nearest to it first.
func (d *Dataset) otherChoices(s Split) iter.Seq[choice] {
	if s.By == ByImage {
		return func(yield func(choice) bool) { yield(d.someOfEach(s)) }
	}
	all, atLeast, nameOf := d.pairableFirst(s), 2, func(c Class) string { return c.Name }
	if s.By == ByAlphabet {
		all, atLeast, nameOf = s.shuffled(d.Alphabets()), 1, func(c Class) string { return c.Alphabet }
	}
	count := s.count(len(all), atLeast)
	most := len(all) - 1
	if s.HoldOut > 0 {
		most = count
	}
	return windows(all, count, most, func(chosen map[string]bool) choice {
		return func(c Class, _ Image) bool { return chosen[nameOf(c)] }
	})
}

// pairableFirst lists the classes in the order of chance, those of two images and those
// of one in turn, so that neighbours make pairs.
func (d *Dataset) pairableFirst(s Split) []string {
	sizes := map[string]int{}
	for _, class := range d.classes {
		sizes[class.Name] = len(class.Images)
	}
	var pairable, single, mixed []string
	for _, name := range s.shuffled(d.classNames()) {
		if sizes[name] > 1 {
			pairable = append(pairable, name)
		} else {
			single = append(single, name)
		}
	}
	for len(pairable)+len(single) > 0 {
		for _, of := range []*[]string{&pairable, &single} {
			if len(*of) > 0 {
				mixed = append(mixed, (*of)[0])
				*of = (*of)[1:]
			}
		}
	}
	return mixed
}

// windows yields runs of neighbours among names, from count of them to most, round and
// round.
func windows(names []string, count, most int, hold func(map[string]bool) choice) iter.Seq[choice] {
	return func(yield func(choice) bool) {
		tried := 0
		for ; count <= most; count++ {
			for first := range names {
				if tried++; tried > maxChoices {
					return
				}
				chosen := map[string]bool{}
				for i := range count {
					chosen[names[(first+i)%len(names)]] = true
				}
				if !yield(hold(chosen)) {
					return
				}
			}
		}
	}
}

// someOfEach holds out, class by class, as many images as the split wants and two classes
// need, and leaves two of each class to learn from as long as it has others. The largest
// classes come first: of them the most is left.
func (d *Dataset) someOfEach(s Split) choice {
	classes := slices.Clone(d.classes)
	s.shuffle(len(classes), func(i, j int) { classes[i], classes[j] = classes[j], classes[i] })
	slices.SortStableFunc(classes, func(a, b Class) int { return len(b.Images) - len(a.Images) })
	wanted := 0
	for _, class := range classes {
		wanted += len(class.Images)
	}
	wanted -= int((1 - s.fraction()) * float64(wanted))
	chosen := map[Image]bool{}
	for place, class := range classes {
		if place > 1 && len(chosen) >= wanted {
			break
		}
		images := slices.Clone(class.Images)
		s.shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
		for _, image := range images[:heldOf(place, len(images))] {
			chosen[image] = true
		}
	}
	return func(_ Class, i Image) bool { return chosen[i] }
}

// heldOf is how many images of a class are held out, of the classes by size: two where
// two are left; of the largest class two anyway, since it is to make the same pairs; and of
// the second one, since there are to be different ones.
func heldOf(place, images int) int {
	switch {
	case images >= 4:
		return 2
	case place == 0:
		return min(2, images)
	case place == 1 || images == 3:
		return 1
	}
	return 0
}
