package record

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const plotDPI = 100 // at which 6.4 by 4.8 inches are 640 by 480 pixels

// What the plots are drawn with.
var (
	red    = color.RGBA{0xff, 0x00, 0x00, 0xff}
	coral  = color.RGBA{0xff, 0x7f, 0x50, 0xff}
	green  = color.RGBA{0x00, 0x80, 0x00, 0xff}
	brown  = color.RGBA{0x8b, 0x45, 0x13, 0xff}
	grey   = color.RGBA{0x80, 0x80, 0x80, 0xff}
	blue   = color.RGBA{0x1f, 0x77, 0xb4, 0xff}
	orange = color.RGBA{0xff, 0x7f, 0x0e, 0xff}
	dashes = []vg.Length{vg.Points(6), vg.Points(3)}

	// fifths mark an axis of shares.
	fifths = []plot.Tick{
		{Value: 0, Label: "0"}, {Value: 0.2, Label: "0.2"}, {Value: 0.4, Label: "0.4"},
		{Value: 0.6, Label: "0.6"}, {Value: 0.8, Label: "0.8"}, {Value: 1, Label: "1"},
	}

	// seriesColors distinguish the curves of one plot, which has at most these.
	seriesColors = []color.Color{blue, orange, green, red}
)

// newPlot returns an empty plot with a grid.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(6)
	p.Legend.Padding = vg.Points(3)
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(8), vg.Points(8)
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.Legend.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle,
		&p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xd8}, color.Gray{0xd8}
	p.Add(grid)
	return p
}

// addLine draws the points as a line and names it in the legend, unless the
// name is empty.
func addLine(p *plot.Plot, name string, points plotter.XYs, style draw.LineStyle) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("plot: line %q: %w", name, err)
	}
	line.LineStyle = style
	p.Add(line)
	if name != "" {
		p.Legend.Add(name, line)
	}
	return nil
}

// addDiagonal draws the dashed line of a plot over shares: what chance gives,
// or what a perfect calibration would.
func addDiagonal(p *plot.Plot, name string) error {
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(fifths), plot.ConstantTicks(fifths)
	style := draw.LineStyle{Color: grey, Width: vg.Points(1), Dashes: dashes}
	return addLine(p, name, plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, style)
}

// render draws the plot as a PNG of the given size in inches.
func render(p *plot.Plot, width, height float64) ([]byte, error) {
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(
		vgimg.UseWH(vg.Length(width)*vg.Inch, vg.Length(height)*vg.Inch), vgimg.UseDPI(plotDPI))}
	// The last label of an axis reaches half its width beyond the axis.
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(4), -vg.Points(12), vg.Points(4), -vg.Points(6)))
	var encoded bytes.Buffer
	if _, err := canvas.WriteTo(&encoded); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	return encoded.Bytes(), nil
}

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

// ReliabilityCurve shows how far similarities can be read as probabilities.
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

// Bar is a share with its standard error.
type Bar struct {
	Name          string
	Value, StdErr float64 // 0..1
}

// Bars draws one or more shares with their standard errors as a PNG of 600x400 pixels,
// and a dashed line at what chance gives. Each bar has its share written on it. The
// error is of shares that are no numbers.
func Bars(title, y string, chance float64, bars ...Bar) ([]byte, error) {
	if len(bars) == 0 {
		return nil, errors.New("bars: received none, expected at least one")
	}
	p := newPlot(title, "", y)
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1, plot.ConstantTicks(fifths)
	p.X.Min, p.X.Max = -0.5, float64(len(bars))-0.5
	values, names := make(plotter.Values, len(bars)), make([]string, len(bars))
	spread := errorPoints{XYs: make(plotter.XYs, len(bars)), YErrors: make(plotter.YErrors, len(bars))}
	for i, bar := range bars {
		if !(bar.Value >= 0 && bar.Value <= 1 && bar.StdErr >= 0) {
			return nil, fmt.Errorf("bars: %q is %v ± %v, expected 0 to 1", bar.Name, bar.Value, bar.StdErr)
		}
		values[i], names[i] = bar.Value, fmt.Sprintf("%s\n%.1f %% ± %.1f", bar.Name, 100*bar.Value, 100*bar.StdErr)
		spread.XYs[i] = plotter.XY{X: float64(i), Y: bar.Value}
		spread.YErrors[i].Low, spread.YErrors[i].High = bar.StdErr, bar.StdErr
	}
	chart, err := plotter.NewBarChart(values, vg.Points(40))
	if err != nil {
		return nil, fmt.Errorf("bars: %w", err)
	}
	chart.Color, chart.LineStyle.Width = blue, 0
	errorBars, err := plotter.NewYErrorBars(spread)
	if err != nil {
		return nil, fmt.Errorf("bars: %w", err)
	}
	p.Add(chart, errorBars)
	p.NominalX(names...)
	style := draw.LineStyle{Color: grey, Width: vg.Points(1), Dashes: dashes}
	if err := addLine(p, "", plotter.XYs{{X: -0.5, Y: chance}, {X: float64(len(bars)) - 0.5, Y: chance}}, style); err != nil {
		return nil, err
	}
	return render(p, 6, 4)
}

// errorPoints are points with errors, as the library takes them.
type errorPoints struct {
	plotter.XYs
	plotter.YErrors
}
