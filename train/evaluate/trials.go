package evaluate

import (
	"context"
	"fmt"

	"siamese/imaging"
)

// Trial is what came of one test picture of a run.
type Trial struct {
	Run, Test   int  // its run's number among those given, and its own in the run
	Right       bool // by similarity
	RightCosine bool // by the cosine of the embeddings

	// Other is the training picture that is the most similar of those that are not the
	// answer; of a wrong trial it is the one taken.
	Other int
	// Similarity is the answer's, and OtherSimilarity the one of Other, 0..1.
	Similarity, OtherSimilarity float64
}

// Trials asks as OneShot does, and returns each answer, run by run.
func Trials(ctx context.Context, model Model, runs []Run) ([]Trial, error) {
	if err := validateAll(runs); err != nil {
		return nil, fmt.Errorf("one-shot: %w", err)
	}
	pictures, numbers := distinct(runs)
	images, err := embed(ctx, model, len(pictures), func(i int) (*imaging.Picture, error) { return pictures[i], nil })
	if err != nil {
		return nil, fmt.Errorf("one-shot: %w", err)
	}
	var all []Trial
	for number, run := range runs {
		trials, err := ask(ctx, model, run, images, numbers)
		if err != nil {
			return nil, fmt.Errorf("one-shot: run %q: %w", run.Name, err)
		}
		for i := range trials {
			trials[i].Run = number
		}
		all = append(all, trials...)
	}
	return all, nil
}

// ask compares each test picture of a run with all training pictures.
func ask(ctx context.Context, model Model, run Run, images embeddings, numbers map[*imaging.Picture]int) ([]Trial, error) {
	var pairs []indices
	var cosines []float64
	for _, test := range run.Test {
		for _, training := range run.Training {
			pair := indices{numbers[test], numbers[training]}
			pairs = append(pairs, pair)
			cosines = append(cosines, cosine(images.row(pair.a), images.row(pair.b)))
		}
	}
	similarities, err := compare(ctx, model, images, pairs)
	if err != nil {
		return nil, err
	}
	trials := make([]Trial, len(run.Test))
	for i, answer := range run.Answer {
		row := i * run.Ways()
		scores := similarities[row : row+run.Ways()]
		other := best(scores, answer)
		trials[i] = Trial{
			Test: i, Right: onTop(scores, answer), RightCosine: onTop(cosines[row:row+run.Ways()], answer),
			Other: other, Similarity: scores[answer], OtherSimilarity: scores[other],
		}
	}
	return trials, nil
}

// best is the first of the highest scores but for the answer's.
func best(scores []float64, answer int) int {
	found := -1
	for i, score := range scores {
		if i != answer && (found < 0 || score > scores[found]) {
			found = i
		}
	}
	return found
}
