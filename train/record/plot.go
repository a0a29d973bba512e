package record

import (
	"bytes"
	"fmt"
	"image/color"

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

	// seriesColors tell curves of one plot apart; the plots take so many at the most.
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
