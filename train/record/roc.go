package record

import (
	"fmt"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ROCCurve is one receiver operating characteristic, from (0,0) to (1,1).
type ROCCurve struct {
	Name         string    // for the legend, such as "negatives of any alphabet"
	FalseAccepts []float64 // share of different pairs called the same, 0..1, ascending
	TrueAccepts  []float64 // share of same pairs called the same, 0..1, one a false-accept share
	AreaUnder    float64   // for the legend, 0..1
	EqualError   float64   // for the legend, 0..1: where both kinds of error are alike
}

// ROC draws one to four curves as a PNG of 600x600 pixels. The error is of a
// curve that is empty, uneven or not of numbers.
func ROC(curves ...ROCCurve) ([]byte, error) {
	if len(curves) == 0 || len(curves) > len(seriesColors) {
		return nil, fmt.Errorf("roc: received %d curves, expected 1 to %d", len(curves), len(seriesColors))
	}
	p := newPlot("ROC: same against different pairs", "Different pairs called the same", "Same pairs called the same")
	if err := addDiagonal(p, "chance"); err != nil {
		return nil, err
	}
	for i, curve := range curves {
		if len(curve.FalseAccepts) != len(curve.TrueAccepts) || len(curve.TrueAccepts) == 0 {
			return nil, fmt.Errorf("roc: curve %q has %d and %d shares, expected equally many and at least one",
				curve.Name, len(curve.FalseAccepts), len(curve.TrueAccepts))
		}
		points := make(plotter.XYs, len(curve.FalseAccepts))
		for j := range points {
			points[j] = plotter.XY{X: curve.FalseAccepts[j], Y: curve.TrueAccepts[j]}
		}
		name := fmt.Sprintf("%s: AUC %.4f, EER %.2f %%", curve.Name, curve.AreaUnder, 100*curve.EqualError)
		if err := addLine(p, name, points, draw.LineStyle{Color: seriesColors[i], Width: vg.Points(1.5)}); err != nil {
			return nil, err
		}
	}
	return render(p, 6, 6)
}
