package folds

import (
	"cmp"

	"siamese/train/evaluate"
)

// worse orders alphabets by one-shot, then by pairs within the alphabet. Those without
// trials come last.
func worse(a, b Row) int {
	if (a.Trials == 0) != (b.Trials == 0) {
		return cmp.Compare(b.Trials, a.Trials)
	}
	first := func(r Row) float64 {
		if len(r.Verification) == 0 {
			return 0
		}
		return r.Verification[0].BestAccuracy
	}
	return cmp.Or(cmp.Compare(a.OneShot, b.OneShot), cmp.Compare(first(a), first(b)))
}

// row is the whole fold.
func (f Fold) row() Row {
	row := Row{Name: f.Network, Groups: len(f.Groups), Trials: len(f.Trials)}
	for _, classes := range f.Classes {
		row.Classes += classes
	}
	row.OneShot, row.Cosine = f.rightOf("")
	for _, v := range f.Verification {
		row.Verification = append(row.Verification, VerifyRow{
			Negatives: v.Negatives, Pairs: len(v.Pairs), AUC: v.AUC, Threshold: v.Threshold, Accuracy: v.Accuracy,
			BestThreshold: v.BestThreshold, BestAccuracy: v.BestAccuracy, ECE: v.ECE,
		})
	}
	return row
}

// rightOf are the shares of trials that are right, of an alphabet or of all.
func (f Fold) rightOf(group string) (similarity, cosine float64) {
	count := 0
	for _, trial := range f.Trials {
		if group != "" && trial.Group != group {
			continue
		}
		count++
		if trial.Right {
			similarity++
		}
		if trial.RightCosine {
			cosine++
		}
	}
	if count == 0 {
		return 0, 0
	}
	return similarity / float64(count), cosine / float64(count)
}

// groupRow is one alphabet of a fold. Sorts of negatives of which it has no pairs of both
// kinds are left out.
func (f Fold) groupRow(group string) Row {
	row := Row{Name: group, Classes: f.Classes[group]}
	for _, trial := range f.Trials {
		if trial.Group == group {
			row.Trials++
		}
	}
	row.OneShot, row.Cosine = f.rightOf(group)
	for _, v := range f.Verification {
		measured, err := evaluate.Measure(v.scoresOf(group), v.Threshold)
		if err != nil {
			continue // the scores were checked: there are none of a kind
		}
		right := 0
		for _, item := range v.items(v.BestThreshold) {
			if item.group == group && item.right {
				right++
			}
		}
		row.Verification = append(row.Verification, VerifyRow{
			Negatives: v.Negatives, Pairs: measured.Pairs, AUC: measured.AUC, Threshold: v.Threshold, Accuracy: measured.Accuracy,
			BestThreshold: v.BestThreshold, BestAccuracy: float64(right) / float64(measured.Pairs), ECE: measured.ECE,
		})
	}
	return row
}

func (v Verification) scoresOf(group string) []evaluate.Score {
	var scores []evaluate.Score
	for _, pair := range v.Pairs {
		if group == "" || pair.Group == group {
			scores = append(scores, pair.Score)
		}
	}
	return scores
}
