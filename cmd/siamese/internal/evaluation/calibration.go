package evaluation

import (
	"fmt"
	"io"

	"siamese/train/evaluate"
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
	return printContrasts(w, c.After, c.Before)
}
