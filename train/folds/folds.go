// Package folds measures a recipe of training rather than one network: the classes or
// alphabets are cut into folds, a network is trained for each with that fold held out,
// and each network is measured on what it has not seen. Every alphabet counts once, so
// that a decision rests on all of them, and the errors told are over alphabets: what
// makes one alphabet hard makes all of its trials hard.
//
// Two recipes are measured by the same trials and pairs, which makes the error of
// their difference far smaller than either's own.
package folds

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// DefaultPairs is how many pairs of each fold and sort of negatives are scored where
// Config says nothing.
const DefaultPairs = 4000

// Config says how much is measured of each fold.
type Config struct {
	Ways   int    // classes to choose from; 0 = evaluate.DefaultWays
	Trials int    // the least number of one-shot trials; 0 = evaluate.DefaultTrials
	Pairs  int    // for each sort of negatives, an even number; 0 = DefaultPairs
	Seed   uint64 // the same seed and data give the same trials and pairs
}

// Network is what is measured on one fold.
type Network struct {
	Name string
	Fold int // its number, from 1; 0 = its place among those that are measured
	evaluate.Model
	Threshold float64 // from which a pair is called the same, 0..1; 0 = evaluate.DefaultThreshold
}

// Trial is a one-shot trial with what its pictures are.
type Trial struct {
	evaluate.Trial
	Group      string // the alphabet, or the answer's class where it has none
	RunName    string
	Query      Drawing
	Answer     Drawing
	OtherDrawn Drawing // the picture taken, of a wrong trial
}

// Drawing is an image of the data, by name, and its class.
type Drawing struct{ Image, Class string }

// Pair is a scored pair.
type Pair struct {
	evaluate.Score
	evaluate.Pairing
	Group string // the alphabet of the first image, or its class where it has none
}

// Verification is how a network tells pairs of a fold.
type Verification struct {
	Negatives evaluate.Negatives
	Pairs     []Pair
	evaluate.VerifyResult
}

// Fold is what a network was measured to do on the part that it has not seen.
type Fold struct {
	Network string
	Number  int            // as Network.Fold
	Groups  []string       // the alphabets, or the classes of data without
	Classes map[string]int // in each of Groups
	Trials  []Trial
	// Verification is with negatives of any alphabet, and of the same one where the data
	// have alphabets with two classes.
	Verification []Verification
}

// Measure measures a network on its fold, in a fixed order of the same trials and pairs
// for every network. Each distinct picture is encoded as often as Model.Encode is asked,
// three times at most: Once makes that one.
//
// Errors are those of evaluate.MakeRuns, evaluate.Trials and evaluate.Verify.
func Measure(ctx context.Context, network Network, held *dataset.Dataset, config Config) (Fold, error) {
	fold := Fold{Network: network.Name, Number: network.Fold, Classes: map[string]int{}}
	groups := map[string]string{}
	for _, class := range held.Classes() {
		group := cmp.Or(class.Alphabet, class.Name)
		groups[class.Name] = group
		if fold.Classes[group]++; fold.Classes[group] == 1 {
			fold.Groups = append(fold.Groups, group)
		}
	}
	var err error
	if fold.Trials, err = askAll(ctx, network, held, config); err != nil {
		return Fold{}, err
	}
	for i := range fold.Trials {
		fold.Trials[i].Group = groups[fold.Trials[i].Answer.Class]
	}
	for _, negatives := range []evaluate.Negatives{evaluate.SameAlphabet, evaluate.Any} {
		measured, err := verify(ctx, network, held, groups, config, negatives)
		if negatives == evaluate.SameAlphabet && errors.Is(err, evaluate.ErrNoPairs) {
			continue
		}
		if err != nil {
			return Fold{}, err
		}
		fold.Verification = append(fold.Verification, measured)
	}
	return fold, nil
}

// askAll draws the one-shot runs and asks the network.
func askAll(ctx context.Context, network Network, held *dataset.Dataset, config Config) ([]Trial, error) {
	runs, err := evaluate.MakeRuns(held, evaluate.MakeRunsConfig{Ways: config.Ways, Trials: config.Trials, Seed: config.Seed})
	if err != nil {
		return nil, err
	}
	asked, err := evaluate.Trials(ctx, network, runs)
	if err != nil {
		return nil, err
	}
	trials := make([]Trial, len(asked))
	for i, trial := range asked {
		run := runs[trial.Run]
		training := func(at int) Drawing { return Drawing{run.Drawn.Training[at], run.Drawn.Classes[at]} }
		answer := training(run.Answer[trial.Test])
		trials[i] = Trial{
			Trial: trial, RunName: run.Name, Answer: answer, OtherDrawn: training(trial.Other),
			Query: Drawing{run.Drawn.Test[trial.Test], answer.Class},
		}
	}
	return trials, nil
}

// verify draws pairs and scores them.
func verify(ctx context.Context, network Network, held *dataset.Dataset, groups map[string]string, config Config, negatives evaluate.Negatives) (Verification, error) {
	result, err := evaluate.Verify(ctx, network, held, evaluate.VerifyConfig{
		Pairs: cmp.Or(config.Pairs, DefaultPairs), Seed: config.Seed, Negatives: negatives, Threshold: network.Threshold,
	})
	if err != nil {
		return Verification{}, fmt.Errorf("negatives %s: %w", negatives, err)
	}
	measured := Verification{Negatives: negatives, VerifyResult: result}
	for i, score := range result.Scores {
		pairing := result.Pairings[i]
		measured.Pairs = append(measured.Pairs, Pair{score, pairing, groups[pairing.ClassA]})
	}
	return measured, nil
}
