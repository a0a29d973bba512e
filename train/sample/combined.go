package sample

import (
	"math"

	"siamese/train/dataset"
)

// arrangements are all that there are.
var arrangements = []dataset.Arrangement{dataset.Beside, dataset.Above, dataset.Over}

// combination is a class that is made of two, given by their indices.
type combination struct {
	first, second int
	how           dataset.Arrangement
}

// addCombined adds the batch's combined classes and returns how many images they
// have. They are made of a few classes of one group, so that many of them differ
// by one part alone.
func (s *allPairs) addCombined(g *gathering) int {
	classes := s.images / s.perClass
	count := min(int(math.Round(s.combine*float64(classes))), classes-1)
	added := 0
	for number, c := range s.combinations(count) {
		added += s.addCombination(g, c, int32(len(s.classes)+number))
	}
	return added
}

// combinations draws at most count different ones.
func (s *allPairs) combinations(count int) []combination {
	if count == 0 {
		return nil
	}
	first := s.pairable[s.IntN(len(s.pairable))]
	groups, _ := s.shuffledBeside(first)
	parts := append([]int{first}, groups[0]...)
	// n parts make 2·n·(n-1) to 3·n·(n-1); about half of these are taken.
	parts = parts[:min(len(parts), 2+int(math.Sqrt(float64(count))))]
	var all []combination
	for i, a := range parts {
		for j, b := range parts {
			for _, how := range arrangements {
				if i < j || i > j && how != dataset.Over {
					all = append(all, combination{a, b, how})
				}
			}
		}
	}
	s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(count, len(all))]
}

// addCombination adds images of a combined class and returns how many: as many as
// PerClass says, or as the larger of the two has.
func (s *allPairs) addCombination(g *gathering, c combination, label int32) int {
	first := s.distinct(s.size(c.first), min(s.perClass, s.size(c.first)))
	second := s.distinct(s.size(c.second), min(s.perClass, s.size(c.second)))
	count := max(len(first), len(second))
	for i := range count {
		a := s.classes[c.first].Images[first[i%len(first)]]
		b := s.classes[c.second].Images[second[i%len(second)]]
		image, err := dataset.Combine(a, b, c.how)
		if err != nil {
			// The classes of a dataset are never combined, and the arrangement is known.
			continue
		}
		g.batch.Images = append(g.batch.Images, image)
		g.batch.Labels = append(g.batch.Labels, label)
	}
	return count
}
