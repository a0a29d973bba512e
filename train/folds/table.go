package folds

import (
	"fmt"
	"io"
	"strings"

	"siamese/train/evaluate"
)

// Print writes the summary in words: a line a fold, a line an alphabet, the worst first,
// and all together.
func (s Summary) Print(w io.Writer) error {
	if err := s.printRows(w, "network", s.Folds); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := s.printRows(w, "alphabet, the worst first", s.Groups); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return s.All.Print(w)
}

// The width of the columns that name a row.
const nameWidth = 42

func (s Summary) printRows(w io.Writer, title string, rows []Row) error {
	fmt.Fprintf(w, "%-*s %4s %7s %7s %9s %9s", nameWidth, title, "fold", "classes", "trials", "one-shot", "by cosine")
	for _, v := range s.All.Verification {
		fmt.Fprintf(w, " | %17s %9s %9s", string(v.Negatives)+" AUC", "threshold", "best")
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.TrimRight(row.line(s.All.Verification), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (r Row) line(sorts []VerifyTotal) string {
	name := []rune(r.Name)
	if len(name) > nameWidth { // the end of a path tells more
		name = append([]rune("…"), name[len(name)-nameWidth+1:]...)
	}
	line := fmt.Sprintf("%-*s %4d %7d %7d %9.2f %9.2f", nameWidth, string(name), r.Fold, r.Classes, r.Trials, 100*r.OneShot, 100*r.Cosine)
	for _, sort := range sorts {
		of := " | " + strings.Repeat(" ", 37)
		for _, v := range r.Verification {
			if v.Negatives == sort.Negatives {
				of = fmt.Sprintf(" | %17.5f %9.2f %9.2f", v.AUC, 100*v.Accuracy, 100*v.BestAccuracy)
			}
		}
		line += of
	}
	return line
}

// Print writes a line on one-shot and one on each sort of negatives.
func (t Total) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "one-shot: %s right by similarity, %s by the embeddings' cosine, of %d trials in %d alphabets\n",
		t.OneShot, t.Cosine, t.Trials, t.Alphabets)
	for _, v := range t.Verification {
		_, err = fmt.Fprintf(w, "verification of %d pairs, negatives %s: %s at the threshold, %s at each fold's best (%.2f more), %.2f %% at a common best one (%.4f); AUC %.5f%s, calibration error %.4f\n",
			v.Pairs, v.Negatives, v.Accuracy, v.Best, 100*v.Gap, 100*v.CommonAccuracy, v.CommonThreshold, v.AUC.Value, t.overFolds(v.AUC), v.ECE)
	}
	return err
}

// overFolds is the error of a mean over folds; of one fold there is none.
func (t Total) overFolds(mean evaluate.Mean) string {
	if t.Folds < 2 {
		return ""
	}
	return fmt.Sprintf(" ± %.5f over folds", mean.StdErr)
}

// String writes the share in per cent with its errors.
func (s Share) String() string {
	over := ""
	if s.OverRuns > 0 {
		over = fmt.Sprintf(" (± %.2f over runs)", 100*s.OverRuns)
	}
	return fmt.Sprintf("%.2f %% ± %.2f%s", 100*s.Value, 100*s.OverAlphabets, over)
}

// PrintDifferences writes by how much the recipe is above the other.
func PrintDifferences(w io.Writer, differences []Difference) error {
	fmt.Fprintln(w, "difference on the same trials and pairs, points, ± over alphabets:")
	for _, d := range differences {
		if _, err := fmt.Fprintf(w, "%+8.2f ± %.2f  %s\n", 100*d.Value, 100*d.StdErr, d.Figure); err != nil {
			return err
		}
	}
	return nil
}

// kindWords are what the pairs of a kind are called beside the negatives of Summary.
var kindWords = map[evaluate.PairKind]string{evaluate.Neighbours: "neighbours (the same alphabet)", evaluate.Strangers: "strangers (other alphabets)"}

// Print writes the calibration, beginning with a line that scripts read.
func (c Calibration) Print(w io.Writer) error {
	fmt.Fprintf(w, "logit × %.4f %+.4f\n", c.Scale, c.Shift)
	if c.Scale > 0 {
		fmt.Fprintf(w, "found on all folds; siamese calibrate OUT --from FILE --scale %.4f --shift=%.4f gives it to a network\n", c.Scale, c.Shift)
	} else {
		fmt.Fprintln(w, "found on all folds; the networks order pairs the wrong way round, and none can take it")
	}
	for i, fold := range c.Folds {
		fmt.Fprintf(w, "fold %d: its own × %.4f %+.4f, the others' × %.4f %+.4f\n", i+1, fold.Own.Scale, fold.Own.Shift, fold.Others.Scale, fold.Others.Shift)
		for _, contrast := range fold.Contrasts {
			fmt.Fprintf(w, "  %-30s %6d pairs: at 0.5 %.2f %% (before %.2f), at the best (%.3f) %.2f, AUC %.5f, calibration error %.4f\n",
				kindWords[contrast.Different], contrast.Pairs, 100*contrast.Accuracy, 100*contrast.Before, contrast.BestThreshold, 100*contrast.BestAccuracy, contrast.AUC, contrast.ECE)
		}
	}
	fmt.Fprintln(w, "each fold by the others' scale and shift, ± over folds:")
	var err error
	for _, m := range c.Contrasts {
		_, err = fmt.Fprintf(w, "  %-30s at 0.5 %s %% (before %s), the best threshold gains %s, calibration error %.4f ± %.4f\n",
			kindWords[m.Different], percent(m.Accuracy), percent(m.Before), percent(m.Gap), m.ECE.Value, m.ECE.StdErr)
	}
	return err
}

func percent(m evaluate.Mean) string { return fmt.Sprintf("%.2f ± %.2f", 100*m.Value, 100*m.StdErr) }
