package evaluate

import (
	"cmp"
	"slices"
)

// Example is a pair that shows what a network does.
type Example struct {
	Pairing
	Score
}

// Examples are pairs of each sort that a network is right and wrong with.
type Examples struct {
	WronglySame      []Example // different ones called the same, the highest similarities first
	WronglyDifferent []Example // same ones called different, the lowest first
	Right            []Example // called right, half of them same, evenly over their similarities
}

// Examples picks at most count pairs of each sort. Wrong pairs of two classes that were
// picked already come last, and no two images come twice.
func (r VerifyResult) Examples(count int) Examples {
	return pick(r.Scores, r.Threshold, count, func(i int) Pairing { return r.Pairings[i] })
}

// pick picks examples of pairs that are named only where they are needed.
func pick(scores []Score, threshold float64, count int, pairing func(int) Pairing) Examples {
	var of [2][2][]int // by what a pair is called, and what it is
	for i, score := range scores {
		at := &of[int(indicator(score.Similarity >= threshold))][int(indicator(score.Same))]
		*at = append(*at, i)
	}
	for _, called := range of {
		for _, list := range called {
			slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(scores[a].Similarity, scores[b].Similarity) })
		}
	}
	example := func(i int) Example { return Example{pairing(i), scores[i]} }
	slices.Reverse(of[1][0])
	return Examples{
		WronglySame:      distinctExamples(of[1][0], count, example),
		WronglyDifferent: distinctExamples(of[0][1], count, example),
		Right:            append(spreadExamples(of[1][1], (count+1)/2, example), spreadExamples(of[0][0], count/2, example)...),
	}
}

// distinctExamples are the first ones, those of classes that were met already last.
func distinctExamples(from []int, count int, example func(int) Example) []Example {
	met, shown := map[[2]string]bool{}, map[[2]string]bool{}
	var first, again []Example
	for _, i := range from {
		e := example(i)
		images := [2]string{min(e.A.Name, e.B.Name), max(e.A.Name, e.B.Name)}
		classes := [2]string{min(e.ClassA, e.ClassB), max(e.ClassA, e.ClassB)}
		switch {
		case shown[images]:
		case !met[classes]:
			first = append(first, e)
		case len(again) < count:
			again = append(again, e)
		}
		met[classes], shown[images] = true, true
		if len(first) == count {
			return first
		}
	}
	first = append(first, again...)
	return first[:min(count, len(first))]
}

// spreadExamples are evenly over the similarities.
func spreadExamples(from []int, count int, example func(int) Example) []Example {
	count = min(count, len(from))
	var spread []Example
	for i := range count {
		spread = append(spread, example(from[(2*i+1)*len(from)/(2*count)]))
	}
	return spread
}
