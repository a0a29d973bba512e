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

// Examples picks pairs of a result of Verify, at most count of each sort: the different
// pairs called the same with the highest similarities; the same ones called different
// with the lowest; and pairs called right, half of them same, evenly over their
// similarities. Wrong pairs of two classes that were picked already come last, and no two
// images come twice.
func (r VerifyResult) Examples(count int) (wronglySame, wronglyDifferent, right []Example) {
	var of [2][2][]Example // by what a pair is called, and what it is
	for i, pairing := range r.Pairings {
		score := r.Scores[i]
		called := score.Similarity >= r.Threshold
		at := &of[int(indicator(called))][int(indicator(score.Same))]
		*at = append(*at, Example{pairing, score})
	}
	wronglySame = distinctExamples(of[1][0], count, func(e Example) float64 { return -e.Similarity })
	wronglyDifferent = distinctExamples(of[0][1], count, func(e Example) float64 { return e.Similarity })
	right = append(spreadExamples(of[1][1], (count+1)/2), spreadExamples(of[0][0], count/2)...)
	return wronglySame, wronglyDifferent, right
}

// distinctExamples are the first by a key, those of classes that were met already last.
func distinctExamples(from []Example, count int, key func(Example) float64) []Example {
	slices.SortStableFunc(from, func(a, b Example) int { return cmp.Compare(key(a), key(b)) })
	met, shown := map[[2]string]bool{}, map[[2]string]bool{}
	var first, again []Example
	for _, example := range from {
		images := [2]string{min(example.A.Name, example.B.Name), max(example.A.Name, example.B.Name)}
		if shown[images] {
			continue
		}
		shown[images] = true
		classes := [2]string{min(example.ClassA, example.ClassB), max(example.ClassA, example.ClassB)}
		if met[classes] {
			again = append(again, example)
			continue
		}
		met[classes] = true
		first = append(first, example)
	}
	first = append(first, again...)
	return first[:min(count, len(first))]
}

// spreadExamples are evenly over the similarities.
func spreadExamples(from []Example, count int) []Example {
	slices.SortStableFunc(from, func(a, b Example) int { return cmp.Compare(a.Similarity, b.Similarity) })
	count = min(count, len(from))
	var spread []Example
	for i := range count {
		spread = append(spread, from[(2*i+1)*len(from)/(2*count)])
	}
	return spread
}
