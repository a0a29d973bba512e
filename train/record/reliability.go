package record

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ReliabilityCurve tells how far similarities can be read as probabilities.
type ReliabilityCurve struct {
	Name   string // for the legend, such as "before calibration"
	Points []ReliabilityPoint
}

// ReliabilityPoint stands for the pairs whose similarity falls into one bin.
type ReliabilityPoint struct {
	Similarity float64 // their mean similarity, 0..1
	Same       float64 // the share of them that is the same, 0..1
	Count      int     // how many they are; a bin of none is not drawn
}

// The radius of a dot for few and for all of a curve's pairs, in points.
const (
	minDot = 1.5
	maxDot = 7
)

// legendStrip is the height of a line of the legend in the plot's unit.
const legendStrip = 0.05

// Reliability draws one to four curves as a PNG of 600x600 pixels. The area of
// a dot grows with the number of its pairs. The error is of a curve without
// pairs or with values that are no numbers.
func Reliability(curves ...ReliabilityCurve) ([]byte, error) {
	if len(curves) == 0 || len(curves) > len(seriesColors) {
		return nil, fmt.Errorf("reliability: received %d curves, expected 1 to %d", len(curves), len(seriesColors))
	}
	p := newPlot("Reliability: pairs by similarity", "Mean similarity", "Share that is the same")
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = -p.Legend.XOffs, -p.Legend.YOffs
	if err := addDiagonal(p, "perfect"); err != nil {
		return nil, err
	}
	// Curves may pass through every corner: the legend has a strip of its own.
	p.Y.Max = 1 + legendStrip*float64(len(curves)+1)
	for i, curve := range curves {
		if err := addReliability(p, curve, seriesColors[i]); err != nil {
			return nil, fmt.Errorf("reliability: curve %q: %w", curve.Name, err)
		}
	}
	return render(p, 6, 6)
}

func addReliability(p *plot.Plot, curve ReliabilityCurve, c color.Color) error {
	var points plotter.XYs
	var radii []vg.Length
	total := 0
	for _, point := range curve.Points {
		total += point.Count
	}
	for _, point := range curve.Points {
		if point.Count == 0 {
			continue
		}
		points = append(points, plotter.XY{X: point.Similarity, Y: point.Same})
		share := float64(point.Count) / float64(total)
		radii = append(radii, vg.Points(minDot+(maxDot-minDot)*math.Sqrt(share)))
	}
	if len(points) == 0 {
		return errors.New("no bin holds a pair, expected at least one")
	}
	if err := addLine(p, curve.Name, points, draw.LineStyle{Color: c, Width: vg.Points(1.5)}); err != nil {
		return err
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	dots.GlyphStyleFunc = func(i int) draw.GlyphStyle {
		return draw.GlyphStyle{Color: c, Radius: radii[i], Shape: draw.CircleGlyph{}}
	}
	p.Add(dots)
	return nil
}
