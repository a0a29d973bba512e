package training

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"siamese/train/evaluate"
	"siamese/train/record"
)

// calibration is what `siamese calibrate` reports.
type calibration struct {
	evaluate.Line
	// Halves are the scales and shifts found on each half of the kinds alone: what follows is
	// measured on each half by the other's. Empty: measured on the pairs calibrated on.
	Halves  []evaluate.Line      `json:"halves"`
	Weights evaluate.KindWeights `json:"weights"`
	Before  []evaluate.Contrast  `json:"before"`
	After   []evaluate.Contrast  `json:"after"`
}

func newCalibration(pairs []evaluate.KindPair, weights evaluate.KindWeights, fit evaluate.KindsFit, groups []string) calibration {
	c := calibration{Line: fit.Line, Halves: fit.Halves, Weights: weights}
	for _, of := range append([]string{""}, groups...) {
		c.Before = append(c.Before, evaluate.Contrasts(pairs, of)...)
		c.After = append(c.After, evaluate.Contrasts(fit.After, of)...)
	}
	return c
}

// note says in a card's words what was measured.
func (c calibration) note(data, part string) string {
	note := fmt.Sprintf("Calibrated on %s (%s).", data, part)
	for _, after := range c.After {
		if after.Of == "" {
			note += fmt.Sprintf(" %s against %s: %.2f %% recognised, %.2f %% called the same, calibration error %.3f.",
				after.Same, after.Different, 100*after.Recognised.Value, 100*after.FalseAccepts.Value, after.ECE)
		}
	}
	return note
}

// print begins with a line that scripts read.
func (c calibration) print(w io.Writer) error {
	fmt.Fprintf(w, "logit × %.4f %+.4f\n", c.Scale, c.Shift)
	if len(c.Halves) == 2 {
		fmt.Fprintf(w, "measured on each half of the kinds by the other's: × %.4f %+.4f and × %.4f %+.4f\n",
			c.Halves[0].Scale, c.Halves[0].Shift, c.Halves[1].Scale, c.Halves[1].Shift)
	} else {
		fmt.Fprintln(w, "measured on the pairs that it was found on, which flatters: there are too few kinds for two halves")
	}
	fmt.Fprintf(w, "%-22s %6s %17s %7s %15s %15s %15s\n", "", "pairs", "calibration error", "AUC", "accuracy %", "recognised %", "false accepts %")
	percent := func(m evaluate.Mean) string { return fmt.Sprintf("%.2f ± %.2f", 100*m.Value, 100*m.StdErr) }
	of := ""
	for i, after := range c.After {
		if after.Of != of {
			of = after.Of
			fmt.Fprintln(w, of)
		}
		if _, err := fmt.Fprintf(w, "%-22s %6d %8.4f → %.4f %7.4f %15s %15s %15s\n", after.Same+", "+after.Different, after.Pairs,
			c.Before[i].ECE, after.ECE, after.AUC, percent(after.Accuracy), percent(after.Recognised), percent(after.FalseAccepts)); err != nil {
			return err
		}
	}
	return nil
}

// plot draws a curve for each sort of pairs, after calibration.
func (c calibration) plot(file string) error {
	if file == "" {
		return nil
	}
	var curves []record.ReliabilityCurve
	for _, after := range c.After {
		if after.Of == "" {
			curves = append(curves, reliabilityCurve(fmt.Sprintf("%s and %s: error %.3f", after.Same, after.Different, after.ECE), after.Bins))
		}
	}
	picture, err := record.Reliability(curves...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o644)
}

func (c calibration) write(file string) error {
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o644)
}
