package folds

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"siamese/train/evaluate"
)

// Summary is what a set of networks, one a fold, is worth on all folds together.
type Summary struct {
	Folds  []Row `json:"folds"`
	Groups []Row `json:"alphabets"` // by one-shot, the worst first
	All    Total `json:"all"`
}

// Row is a fold or an alphabet.
type Row struct {
	Name         string      `json:"name"` // of the network, or the alphabet
	Fold         int         `json:"fold"` // from 1
	Groups       int         `json:"alphabets,omitempty"`
	Classes      int         `json:"classes"`
	Trials       int         `json:"trials"`
	OneShot      float64     `json:"oneshot"`        // share right by similarity
	Cosine       float64     `json:"oneshot_cosine"` // by the cosine of the embeddings
	Verification []VerifyRow `json:"verification"`
}

// VerifyRow is verification with one sort of negatives.
type VerifyRow struct {
	Negatives evaluate.Negatives `json:"negatives"`
	Pairs     int                `json:"pairs"` // of an alphabet: those whose first image is of it
	AUC       float64            `json:"auc"`
	Threshold float64            `json:"threshold"`
	Accuracy  float64            `json:"accuracy"` // at Threshold
	// BestThreshold is the fold's of the most right verdicts, and BestAccuracy their share.
	BestThreshold float64 `json:"best_threshold"`
	BestAccuracy  float64 `json:"best_accuracy"`
	ECE           float64 `json:"ece"` // calibration error
}

// Share is a share of all trials or pairs, with its standard error over alphabets and,
// of trials, over runs.
type Share struct {
	Value         float64 `json:"value"`
	OverAlphabets float64 `json:"stderr"`
	OverRuns      float64 `json:"stderr_runs,omitempty"`
}

// Total is all folds together.
type Total struct {
	Folds        int           `json:"folds"`
	Alphabets    int           `json:"alphabets"`
	Trials       int           `json:"trials"`
	OneShot      Share         `json:"oneshot"`
	Cosine       Share         `json:"oneshot_cosine"`
	Verification []VerifyTotal `json:"verification"`
}

// VerifyTotal is verification over all folds.
type VerifyTotal struct {
	Negatives evaluate.Negatives `json:"negatives"`
	Pairs     int                `json:"pairs"`
	AUC       evaluate.Mean      `json:"auc"`           // mean of the folds', with its error over folds; of one fold there is none
	Accuracy  Share              `json:"accuracy"`      // at each fold's threshold
	Best      Share              `json:"best_accuracy"` // at each fold's best one
	Gap       float64            `json:"gap"`           // Best less Accuracy: what a threshold could gain
	// CommonThreshold is the best single one for all folds, and CommonAccuracy what it gives.
	CommonThreshold float64 `json:"common_threshold"`
	CommonAccuracy  float64 `json:"common_accuracy"`
	ECE             float64 `json:"ece"` // of all pairs together
}

// item is a trial or a pair that was right or not.
type item struct {
	right      bool
	group, run string
}

// figure is a share that is measured item by item.
type figure struct {
	name  string
	items func(Fold) []item
}

// figures are the shares that the folds have been measured by.
func figures(folds []Fold) []figure {
	all := []figure{
		{oneShotName, func(f Fold) []item { return f.trialItems(func(t Trial) bool { return t.Right }) }},
		{cosineName, func(f Fold) []item { return f.trialItems(func(t Trial) bool { return t.RightCosine }) }},
	}
	for i, v := range folds[0].Verification {
		all = append(all,
			figure{accuracyName(v.Negatives), func(f Fold) []item { return f.Verification[i].items(f.Verification[i].Threshold) }},
			figure{bestName(v.Negatives), func(f Fold) []item { return f.Verification[i].items(f.Verification[i].BestThreshold) }})
	}
	return all
}

// What the figures are called.
const (
	oneShotName = "one-shot"
	cosineName  = "one-shot by cosine"
)

func accuracyName(n evaluate.Negatives) string { return fmt.Sprintf("pairs, negatives %s", n) }
func bestName(n evaluate.Negatives) string {
	return fmt.Sprintf("pairs, negatives %s, at the best threshold", n)
}
func aucName(n evaluate.Negatives) string {
	return fmt.Sprintf("AUC within alphabets, negatives %s", n)
}

func (f Fold) trialItems(right func(Trial) bool) []item {
	items := make([]item, len(f.Trials))
	for i, trial := range f.Trials {
		items[i] = item{right(trial), trial.Group, trial.RunName}
	}
	return items
}

func (v Verification) items(threshold float64) []item {
	items := make([]item, len(v.Pairs))
	for i, pair := range v.Pairs {
		items[i] = item{right: (pair.Similarity >= threshold) == pair.Same, group: pair.Group}
	}
	return items
}

// Summarize puts the folds of a recipe together; all are of one split, in its order.
func Summarize(folds []Fold) (Summary, error) {
	if len(folds) == 0 {
		return Summary{}, fmt.Errorf("folds: received none, expected one or more")
	}
	for i, fold := range folds {
		if len(fold.Verification) != len(folds[0].Verification) {
			return Summary{}, fmt.Errorf("folds: fold %d has pairs with %d sorts of negatives, expected %d as the first", i+1, len(fold.Verification), len(folds[0].Verification))
		}
	}
	var s Summary
	for i, fold := range folds {
		row := fold.row()
		row.Fold = cmp.Or(fold.Number, i+1)
		s.Folds = append(s.Folds, row)
		for _, group := range fold.Groups {
			row := fold.groupRow(group)
			row.Fold = cmp.Or(fold.Number, i+1)
			s.Groups = append(s.Groups, row)
		}
	}
	slices.SortStableFunc(s.Groups, worse)
	var err error
	s.All, err = total(folds)
	return s, err
}

// total puts all folds together.
func total(folds []Fold) (Total, error) {
	t := Total{Folds: len(folds)}
	shares := map[string]Share{}
	for _, figure := range figures(folds) {
		shares[figure.name] = share(folds, figure)
	}
	t.OneShot, t.Cosine = shares[oneShotName], shares[cosineName]
	for _, fold := range folds {
		t.Alphabets += len(fold.Groups)
		t.Trials += len(fold.Trials)
	}
	for i, first := range folds[0].Verification {
		v, err := verifyTotal(folds, i)
		if err != nil {
			return Total{}, err
		}
		v.Accuracy, v.Best = shares[accuracyName(first.Negatives)], shares[bestName(first.Negatives)]
		v.Gap = v.Best.Value - v.Accuracy.Value
		t.Verification = append(t.Verification, v)
	}
	return t, nil
}

// verifyTotal is what is no share of items: of one sort of negatives, by its place.
func verifyTotal(folds []Fold, i int) (VerifyTotal, error) {
	var scores []evaluate.Score
	var areas []float64
	for _, fold := range folds {
		scores = append(scores, fold.Verification[i].Scores...)
		areas = append(areas, fold.Verification[i].AUC)
	}
	pooled, err := evaluate.Measure(scores, evaluate.DefaultThreshold)
	if err != nil {
		return VerifyTotal{}, err
	}
	return VerifyTotal{
		Negatives: folds[0].Verification[i].Negatives, Pairs: pooled.Pairs, AUC: evaluate.ClusterMean(areas, strconv.Itoa),
		CommonThreshold: pooled.BestThreshold, CommonAccuracy: pooled.BestAccuracy, ECE: pooled.ECE,
	}, nil
}

// share pools the items of all folds. Runs of two folds are two runs of one name.
func share(folds []Fold, figure figure) Share {
	var values []float64
	var groups, runs []string
	for number, fold := range folds {
		for _, item := range figure.items(fold) {
			values = append(values, indicator(item.right))
			groups = append(groups, item.group)
			if item.run != "" {
				runs = append(runs, fmt.Sprintf("%d/%s", number, item.run))
			}
		}
	}
	over := evaluate.ClusterMean(values, func(i int) string { return groups[i] })
	share := Share{Value: over.Value, OverAlphabets: over.StdErr}
	if len(runs) == len(values) {
		share.OverRuns = evaluate.ClusterMean(values, func(i int) string { return runs[i] }).StdErr
	}
	return share
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
