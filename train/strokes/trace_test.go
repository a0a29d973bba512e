package strokes_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/train/strokes"
)

// What a drawing that is drawn by its strokes has in common with the original, within a
// pixel: the share of the original's ink that is covered, and of its own that lies on it.
// Over the 4,840 drawings whose paths were recorded, siamese eval strokes tells the same.
const (
	leastCovered, leastOn         = 0.85, 0.9
	leastCoveredMean, leastOnMean = 0.98, 0.99
)

func TestTracedDrawingsCoverTheirInk(t *testing.T) {
	files, err := filepath.Glob(pictures + "*/*/*.png")
	if err != nil || len(files) != 57 {
		t.Fatalf("found %d drawings, %v, want 57", len(files), err)
	}
	covered, on := 0., 0.
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), pictures), ".png")
		drawing, pen := traced(t, name)
		a, b := strokes.Coverage(picture(t, name), strokes.Pen{Width: pen}.Draw(drawing, strokes.Side, strokes.Side), strokes.Side, strokes.Side)
		if a < leastCovered || b < leastOn {
			t.Errorf("%s: %.3f of its ink is covered, and %.3f of what is drawn lies on it, want %v and %v", name, a, b, leastCovered, leastOn)
		}
		covered, on = covered+a/57, on+b/57
	}
	t.Logf("on average %.4f of the ink is covered, and %.4f of what is drawn lies on it", covered, on)
	if covered < leastCoveredMean || on < leastOnMean {
		t.Errorf("on average %.4f of the ink is covered, and %.4f of what is drawn lies on it, want %v and %v", covered, on, leastCoveredMean, leastOnMean)
	}
}

// Recorded paths lie up to two pixels beside the ink in a few drawings.
func TestRecordedStrokesLieOnTheirInk(t *testing.T) {
	covered, on := 0., 0.
	for _, name := range both {
		_, pen := traced(t, name)
		drawn := strokes.Pen{Width: pen}.Draw(strokes.Parts(path(t, name)), strokes.Side, strokes.Side)
		a, b := strokes.Coverage(picture(t, name), drawn, strokes.Side, strokes.Side)
		covered, on = covered+a/float64(len(both)), on+b/float64(len(both))
	}
	if covered < 0.96 || on < 0.96 {
		t.Errorf("on average %.4f of the ink is covered, and %.4f of what is drawn lies on it, want 0.96 of both", covered, on)
	}
}

func TestCoverage(t *testing.T) {
	dot := func(at ...int) []byte {
		p := []byte(strings.Repeat("\xff", 25))
		for _, i := range at {
			p[i] = 0
		}
		return p
	}
	for _, tt := range []struct {
		a, b                []byte
		wantCovered, wantOn float64
	}{
		{dot(0), dot(0), 1, 1},
		{dot(0), dot(6), 1, 1}, // diagonal neighbours
		{dot(0), dot(2), 0, 0}, // two apart
		{dot(4), dot(5), 0, 0}, // across the edge
		{dot(0, 24), dot(1), .5, 1},
	} {
		if covered, on := strokes.Coverage(tt.a, tt.b, 5, 5); covered != tt.wantCovered || on != tt.wantOn {
			t.Errorf("Coverage = %v, %v, want %v, %v", covered, on, tt.wantCovered, tt.wantOn)
		}
	}
}

// drawn is a picture of lines.
func drawn(d strokes.Drawing, side int) []byte { return strokes.Pen{Width: 4}.Draw(d, side, side) }

func TestTraceFollowsCrossingsStraightOn(t *testing.T) {
	straight := func(x0, y0, x1, y1 float64) strokes.Stroke { return strokes.Stroke{{X: x0, Y: y0}, {X: x1, Y: y1}} }
	tests := []struct {
		name  string
		give  strokes.Drawing
		parts int // that it is traced to
	}{
		{"a line", strokes.Drawing{Strokes: []strokes.Stroke{straight(20, 20, 80, 70)}}, 1},
		{"a cross", strokes.Drawing{Strokes: []strokes.Stroke{straight(20, 20, 80, 80), straight(80, 20, 20, 80)}}, 2},
		{"a flat cross", strokes.Drawing{Strokes: []strokes.Stroke{straight(15, 30, 90, 75), straight(15, 75, 90, 30)}}, 2},
		{"a T", strokes.Drawing{Strokes: []strokes.Stroke{straight(20, 30, 80, 30), straight(50, 30, 50, 90)}}, 2},
		{"an L", strokes.Drawing{Strokes: []strokes.Stroke{straight(30, 20, 30, 80), straight(30, 80, 80, 80)}}, 2},
		{"two lines", strokes.Drawing{Strokes: []strokes.Stroke{straight(20, 30, 80, 30), straight(20, 60, 80, 60)}}, 2},
		{"a box", strokes.Drawing{Strokes: []strokes.Stroke{{{X: 20, Y: 20}, {X: 80, Y: 20}, {X: 80, Y: 80}, {X: 20, Y: 80}, {X: 20, Y: 20}}}}, 4},
		{"a dot", strokes.Drawing{Strokes: []strokes.Stroke{straight(50, 50, 50, 50)}}, 1},
	}
	for _, tt := range tests {
		for _, side := range []int{64, 105, 160} {
			found, _, ok := strokes.Trace(drawn(tt.give, side), side, side)
			parts := strokes.Parts(found)
			if got := len(parts.Strokes); !ok || got != tt.parts {
				t.Errorf("%s at %d pixels: Trace gives %d parts, want %d", tt.name, side, got, tt.parts)
			}
		}
	}
}

func TestTraceRefusesWhatIsNoDrawing(t *testing.T) {
	const side = 40
	level := func(level byte) []byte {
		p := make([]byte, side*side)
		for i := range p {
			p[i] = level
		}
		return p
	}
	dark := level(0)
	dark[7] = 255
	for name, give := range map[string][]byte{"white": level(255), "black": level(0), "dark": dark, "short": make([]byte, 3), "none": nil} {
		if d, _, ok := strokes.Trace(give, side, side); ok {
			t.Errorf("Trace of %s gives %d strokes, want none", name, len(d.Strokes))
		}
	}
}

func TestTraceTakesAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		width, height := 1+random.IntN(130), 1+random.IntN(130)
		p := make([]byte, width*height)
		share := random.Float64()
		for i := range p {
			if random.Float64() > share {
				p[i] = 255
			}
		}
		d, pen, ok := strokes.Trace(p, width, height)
		if !ok {
			continue
		}
		again, by := strokes.Again(random, strokes.Parts(d), pen)
		if got := len(by.Draw(again, width, height)); got != width*height {
			t.Errorf("drawing %dx%d again gives %d pixels", width, height, got)
		}
	}
}

func TestGoldenTraces(t *testing.T) {
	var rows [][][]byte
	for _, name := range []string{"Greek/character01/0394_01", "Japanese_(katakana)/character31/0626_02", "Hebrew/character05/0470_05", "Armenian/character34/0060_02"} {
		drawing, pen := traced(t, name)
		row := [][]byte{strokes.Pen{Width: pen, Hard: true}.Draw(drawing, strokes.Side, strokes.Side)}
		for i := range drawing.Strokes[:min(len(drawing.Strokes), 4)] {
			part := strokes.Drawing{Strokes: drawing.Strokes[i : i+1]}
			row = append(row, strokes.Pen{Width: 2, Hard: true}.Draw(part, strokes.Side, strokes.Side))
		}
		rows = append(rows, row)
	}
	golden(t, "traced", rows)
}

func TestGoldenPens(t *testing.T) {
	var rows [][][]byte
	for _, name := range both[:3] {
		d := path(t, name)
		var row [][]byte
		for _, pen := range []strokes.Pen{{Width: 3, Hard: true}, {Width: 5}, {Width: 5, Speed: 0.3, Hard: true}} {
			row = append(row, pen.Draw(d, strokes.Side, strokes.Side))
		}
		rows = append(rows, row)
	}
	golden(t, "pens", rows)
}

func BenchmarkTrace(b *testing.B) {
	p := picture(b, both[0])
	for b.Loop() {
		strokes.Trace(p, strokes.Side, strokes.Side)
	}
}

func TestNoiseHasNoLines(t *testing.T) {
	const side = strokes.Side
	random, noise := random(1), slices.Repeat([]byte{0xff}, side*side)
	for i := range noise {
		if random.IntN(3) == 0 {
			noise[i] = 0
		}
	}
	if d, _, ok := strokes.Trace(noise, side, side); ok {
		t.Errorf("noise has %d strokes, want none", len(d.Strokes))
	}
}
