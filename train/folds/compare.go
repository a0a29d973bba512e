package folds

import (
	"fmt"
	"strconv"

	"siamese/train/evaluate"
)

// Difference is by how much one recipe is above another in a figure, on the same trials
// or pairs, with the standard error of that over alphabets.
type Difference struct {
	Figure string `json:"figure"`
	evaluate.Mean
}

// Compare holds a recipe against another: its figures less the other's, item by item.
// Both were measured on the same folds by the same Config, else an error says where they
// differ.
func Compare(recipe, other []Fold) ([]Difference, error) {
	if len(recipe) == 0 || len(recipe) != len(other) {
		return nil, fmt.Errorf("compare: received %d folds and %d, expected equally many, and one or more", len(recipe), len(other))
	}
	for i := range recipe {
		if err := recipe[i].alike(other[i]); err != nil {
			return nil, fmt.Errorf("compare: fold %d: %w", i+1, err)
		}
	}
	var differences []Difference
	for _, figure := range figures(recipe) {
		var values []float64
		var groups []string
		for i := range recipe {
			items, others := figure.items(recipe[i]), figure.items(other[i])
			for at, item := range items {
				values = append(values, indicator(item.right)-indicator(others[at].right))
				groups = append(groups, item.group)
			}
		}
		differences = append(differences, Difference{figure.name, evaluate.ClusterMean(values, func(i int) string { return groups[i] })})
	}
	return append(differences, areas(recipe, other)...), nil
}

// alike reports where two folds were not asked the same.
func (f Fold) alike(other Fold) error {
	if len(f.Trials) != len(other.Trials) || len(f.Verification) != len(other.Verification) {
		return fmt.Errorf("%s was asked %d trials and %d sorts of pairs, %s %d and %d, expected the same",
			f.Network, len(f.Trials), len(f.Verification), other.Network, len(other.Trials), len(other.Verification))
	}
	for i, trial := range f.Trials {
		if got := other.Trials[i]; got.Query != trial.Query || got.Answer != trial.Answer {
			return fmt.Errorf("trial %d of %s shows %s, of %s %s, expected the same", i+1, f.Network, trial.Query.Image, other.Network, got.Query.Image)
		}
	}
	for i, v := range f.Verification {
		if len(v.Pairs) != len(other.Verification[i].Pairs) {
			return fmt.Errorf("%s has %d pairs, %s %d, expected the same", f.Network, len(v.Pairs), other.Network, len(other.Verification[i].Pairs))
		}
		for at, pair := range v.Pairs {
			if got := other.Verification[i].Pairs[at]; got.A.Name != pair.A.Name || got.B.Name != pair.B.Name {
				return fmt.Errorf("pair %d of %s is of %s and %s, of %s of %s and %s, expected the same",
					at+1, f.Network, pair.A.Name, pair.B.Name, other.Network, got.A.Name, got.B.Name)
			}
		}
	}
	return nil
}

// areas are the differences of the area under the curve, which is no share of items: the
// mean over alphabets of that of each.
func areas(recipe, other []Fold) []Difference {
	differences := map[evaluate.Negatives][]float64{}
	for i, fold := range recipe {
		for _, group := range fold.Groups {
			// Both have pairs of both kinds, or neither has.
			ours, theirs := fold.groupRow(group).Verification, other[i].groupRow(group).Verification
			for at, row := range ours {
				differences[row.Negatives] = append(differences[row.Negatives], row.AUC-theirs[at].AUC)
			}
		}
	}
	var all []Difference
	for _, v := range recipe[0].Verification {
		mean := evaluate.ClusterMean(differences[v.Negatives], strconv.Itoa) // one value an alphabet
		all = append(all, Difference{aucName(v.Negatives), mean})
	}
	return all
}
