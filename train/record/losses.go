package record

import (
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"siamese/internal/atomicfile"
	"siamese/internal/regular"
)

// losses holds the mean losses of all epochs so far. Both slices are of one
// length; a missing validation loss is NaN.
type losses struct {
	dir               string
	train, validation []float64
}

// openLosses reads the first epochs lines of the files that an earlier attempt
// left. Missing files are an empty history.
func openLosses(dir string, epochs int) (*losses, error) {
	train, err := readLosses(filepath.Join(dir, LossFile), epochs)
	if err != nil {
		return nil, err
	}
	validation, err := readLosses(filepath.Join(dir, ValidationLossFile), epochs)
	if err != nil {
		return nil, err
	}
	for len(validation) < len(train) {
		validation = append(validation, math.NaN())
	}
	// A kill between the two writes leaves one file a line ahead.
	return &losses{dir: dir, train: train, validation: validation[:len(train)]}, nil
}

func readLosses(path string, epochs int) ([]float64, error) {
	content, err := regular.Read(path, maxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("losses: %w", err)
	}
	fields := strings.Fields(string(content))
	fields = fields[:min(epochs, len(fields))]
	values := make([]float64, len(fields))
	for i, field := range fields {
		if values[i], err = strconv.ParseFloat(field, 64); err != nil {
			return nil, fmt.Errorf("losses: line %d of %s is %q, expected a number", i+1, filepath.Base(path), field)
		}
	}
	return values, nil
}

// add appends one epoch and replaces the two files and the plot. A run without
// a validation part gets no validation file.
func (l *losses) add(train, validation float64) error {
	if math.IsNaN(train) || math.IsInf(train, 0) {
		return fmt.Errorf("losses: epoch %d has a mean loss of %v, expected a finite number", len(l.train)+1, train)
	}
	if math.IsInf(validation, 0) {
		return fmt.Errorf("losses: epoch %d has a validation loss of %v, expected a finite number or NaN for none",
			len(l.train)+1, validation)
	}
	l.train, l.validation = append(l.train, train), append(l.validation, validation)
	if err := atomicfile.Write(filepath.Join(l.dir, LossFile), numberLines(l.train)); err != nil {
		return err
	}
	if len(lossPoints(l.validation)) > 0 {
		if err := atomicfile.Write(filepath.Join(l.dir, ValidationLossFile), numberLines(l.validation)); err != nil {
			return err
		}
	}
	plot, err := LossPlot(l.train, l.validation)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(l.dir, LossPlotFile), plot)
}

// numberLines prints one number a line, in the fewest digits that read back alike.
func numberLines(values []float64) []byte {
	var lines []byte
	for _, value := range values {
		lines = append(strconv.AppendFloat(lines, value, 'g', -1, 64), '\n')
	}
	return lines
}

// How the loss curves are smoothed, as Siamese-keras does it.
const (
	smoothOrder       = 3
	smoothShortWindow = 5
	smoothLongWindow  = 15
	smoothLongEpochs  = 25 // from this epoch on the window is the long one
)

// LossPlot draws the mean losses by epoch, counted from 1, as a PNG of 640x480
// pixels: training red, validation coral, their smoothed forms dashed green and
// brown once there are enough epochs for the smoothing window. The validation
// is as long as the training; NaN in it means no validation at that epoch.
func LossPlot(train, validation []float64) ([]byte, error) {
	if len(train) == 0 || len(train) != len(validation) {
		return nil, fmt.Errorf("loss plot: received %d training and %d validation losses, expected equally many and at least one",
			len(train), len(validation))
	}
	if len(lossPoints(train)) < len(train) {
		return nil, errors.New("loss plot: a training loss is NaN, expected numbers")
	}
	p := newPlot("A Loss Curve", "Epoch", "Loss")
	p.X.Tick.Marker = wholeTicks{}
	p.Legend.Top, p.Legend.YOffs = true, -p.Legend.YOffs
	if err := addLosses(p, "train loss", train, red); err != nil {
		return nil, err
	}
	if err := addLosses(p, "val loss", validation, coral); err != nil {
		return nil, err
	}
	if err := addSmooth(p, "smooth train loss", train, green); err != nil {
		return nil, err
	}
	if err := addSmooth(p, "smooth val loss", validation, brown); err != nil {
		return nil, err
	}
	// Room above the curves, so that they run clear of the legend.
	p.Y.Max += 0.15 * (p.Y.Max - p.Y.Min)
	return render(p, 6.4, 4.8)
}

// addLosses draws the losses that are there; a single one as a dot.
func addLosses(p *plot.Plot, name string, losses []float64, c color.Color) error {
	points := lossPoints(losses)
	if len(points) == 0 {
		return nil
	}
	if len(points) > 1 {
		return addLine(p, name, points, draw.LineStyle{Color: c, Width: vg.Points(1.5)})
	}
	dot, err := plotter.NewScatter(points)
	if err != nil {
		return fmt.Errorf("loss plot: %w", err)
	}
	dot.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
	p.Add(dot)
	p.Legend.Add(name, dot)
	return nil
}

// addSmooth draws the smoothed losses. A series that is shorter than the window
// or has gaps is left out: the filter is one for equal distances.
func addSmooth(p *plot.Plot, name string, losses []float64, c color.Color) error {
	window := smoothShortWindow
	if len(losses) >= smoothLongEpochs {
		window = smoothLongWindow
	}
	if len(lossPoints(losses)) < max(window, len(losses)) {
		return nil
	}
	smooth, err := Smooth(losses, window, smoothOrder)
	if err != nil {
		return err
	}
	return addLine(p, name, lossPoints(smooth), draw.LineStyle{Color: c, Width: vg.Points(1.5), Dashes: dashes})
}

// lossPoints returns the losses over their epochs, without those that are NaN.
func lossPoints(losses []float64) plotter.XYs {
	var points plotter.XYs
	for i, loss := range losses {
		if !math.IsNaN(loss) {
			points = append(points, plotter.XY{X: float64(i + 1), Y: loss})
		}
	}
	return points
}

// wholeTicks marks whole numbers only: there is no epoch 1.5.
type wholeTicks struct{}

// Ticks implements plot.Ticker.
func (wholeTicks) Ticks(low, high float64) []plot.Tick {
	var whole []plot.Tick
	for _, tick := range (plot.DefaultTicks{}).Ticks(low, high) {
		if tick.Value == math.Trunc(tick.Value) {
			if !tick.IsMinor() {
				tick.Label = strconv.FormatFloat(tick.Value, 'f', 0, 64)
			}
			whole = append(whole, tick)
		}
	}
	return whole
}

// Smooth applies a Savitzky-Golay filter: each value becomes that of the
// polynomial of the given order which fits the window of values around it best
// in the sense of least squares (A. Savitzky, M. J. E. Golay, Analytical
// Chemistry 36, 1964). Near the ends the polynomial of the first or last full
// window is used, as scipy.signal.savgol_filter does by default. The window is
// odd, above the order and no longer than the values; the result is new.
func Smooth(values []float64, window, order int) ([]float64, error) {
	if window%2 == 0 || order < 0 || window <= order {
		return nil, fmt.Errorf("smooth: window is %d and order %d, expected an odd window above an order of 0 or more", window, order)
	}
	if len(values) < window {
		return nil, fmt.Errorf("smooth: received %d values, expected at least the window of %d", len(values), window)
	}
	fit := projection(window, order)
	smooth := make([]float64, len(values))
	for i := range values {
		begin := min(max(i-window/2, 0), len(values)-window)
		for j, weight := range fit.RawRowView(i - begin) {
			smooth[i] += weight * values[begin+j]
		}
	}
	return smooth, nil
}

// projection returns the [window,window] matrix that turns values at equal
// distances into those of the polynomial that fits them best: QQᵀ of the powers'
// QR decomposition, which keeps digits that the normal equations would lose.
func projection(window, order int) *mat.Dense {
	powers := mat.NewDense(window, order+1, nil)
	powers.Apply(func(i, j int, _ float64) float64 { return math.Pow(float64(i-window/2), float64(j)) }, powers)
	var qr mat.QR
	qr.Factorize(powers)
	var q, fit mat.Dense
	qr.QTo(&q)
	basis := q.Slice(0, window, 0, order+1)
	fit.Mul(basis, basis.T())
	return &fit
}
