package strokes_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/strokes"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestAgainIsBySeed(t *testing.T) {
	d, pen := traced(t, both[0])
	first, penOfFirst := strokes.Again(random(3), d, pen)
	same, penOfSame := strokes.Again(random(3), d, pen)
	if diff := cmp.Diff(first, same); diff != "" || penOfFirst != penOfSame {
		t.Errorf("Again with one seed gives two drawings (-first +second):\n%s", diff)
	}
	if other, _ := strokes.Again(random(4), d, pen); cmp.Equal(first, other) {
		t.Error("Again with another seed gives the same drawing")
	}
	if before, _ := traced(t, both[0]); !cmp.Equal(before, d) {
		t.Error("Again changed the drawing that it was given")
	}
}

func TestAgainStaysOnThePaper(t *testing.T) {
	wide := strokes.Drawing{Strokes: []strokes.Stroke{{{X: -30, Y: 50}, {X: 140, Y: 55}}, {{X: 50, Y: 100}, {X: 60, Y: 104}}}}
	for seed := range uint64(50) {
		d, pen := strokes.Again(random(seed), wide, 5)
		for _, s := range d.Strokes {
			for _, p := range s {
				if edge := pen.Width / 2; min(p.X, p.Y) < edge || max(p.X, p.Y) > strokes.Side-edge {
					t.Fatalf("seed %d: a point lies at %v, want at least %v from the edges", seed, p, edge)
				}
			}
		}
	}
}

// mostGap is between the ends of parts that touched, in most drawings: half of what hands
// move them apart is left where the joint is open, the pen's width closes the rest.
const mostGap = 6

func TestAgainKeepsPartsTogether(t *testing.T) {
	angle := strokes.Drawing{Strokes: []strokes.Stroke{{{X: 20, Y: 20}, {X: 20, Y: 60}}, {{X: 20, Y: 60}, {X: 70, Y: 60}}}}
	apart := 0
	for seed := range uint64(200) {
		d, _ := strokes.Again(random(seed), angle, 4)
		a, b := d.Strokes[0][1], d.Strokes[1][0]
		if gap := math.Hypot(a.X-b.X, a.Y-b.Y); gap > mostGap {
			t.Fatalf("seed %d: the corner is open by %.1f, want at most %d", seed, gap, mostGap)
		} else if gap > 0.1 {
			apart++
		}
	}
	if apart == 0 || apart > 60 {
		t.Errorf("the corner is open in %d of 200 drawings, want some, and not many", apart)
	}
}

func TestGoldenHands(t *testing.T) {
	var rows [][][]byte
	for _, name := range []string{both[0], both[6], "Hebrew/character05/0470_05"} {
		d, pen := traced(t, name)
		var row [][]byte
		for seed := range uint64(6) {
			again, by := strokes.Again(random(seed), d, pen)
			by.Hard = true
			row = append(row, by.Draw(again, strokes.Side, strokes.Side))
		}
		rows = append(rows, row)
	}
	golden(t, "hands", rows)
}

// twinOf makes the first twin by an operation that there is, from a seed on.
func twinOf(t testing.TB, operation strokes.Operation, base strokes.Drawing, others []strokes.Drawing) *strokes.Twin {
	t.Helper()
	for seed := range uint64(20) {
		if twin, ok := strokes.NewTwin(operation, seed, base, others); ok {
			return twin
		}
	}
	t.Fatalf("there is no twin by %v", operation)
	return nil
}

// The characters that twins are made of, and others that parts are taken from.
var (
	threeLines = both[6:9]
	bases      = []string{"Hebrew/character05/0470_05", "Hebrew/character05/0470_09", "Hebrew/character05/0470_19"}
	others     = []string{"Hebrew/character01/0466_12", "Greek/character01/0394_01", "Armenian/character05/0031_01", "Syriac_(Estrangelo)/character04/0276_04"}
)

// parts traces drawings.
func parts(t testing.TB, names []string) []strokes.Drawing {
	t.Helper()
	var all []strokes.Drawing
	for _, name := range names {
		d, _ := traced(t, name)
		all = append(all, d)
	}
	return all
}

func TestGoldenTwins(t *testing.T) {
	base, _ := traced(t, bases[0])
	var rows [][][]byte
	for _, operation := range strokes.Operations() {
		twin := twinOf(t, operation, base, parts(t, others))
		var row [][]byte
		for _, name := range bases {
			d, pen := traced(t, name)
			made, ok := twin.Of(d)
			if !ok {
				made = twin.Template()
			}
			row = append(row, strokes.Pen{Width: pen, Hard: true}.Draw(strokes.Fitted(made, pen), strokes.Side, strokes.Side))
		}
		rows = append(rows, row)
	}
	golden(t, "twins", rows)
}

func TestTwinsAreBySeed(t *testing.T) {
	base, _ := traced(t, "Armenian/character34/0060_02")
	from := parts(t, others)
	for _, operation := range strokes.Operations() {
		var known []strokes.Drawing
		for seed := range uint64(40) {
			first, ok := strokes.NewTwin(operation, seed, base, from)
			second, okAgain := strokes.NewTwin(operation, seed, base, from)
			if ok != okAgain || ok && !cmp.Equal(first.Template(), second.Template()) {
				t.Errorf("%v with seed %d gives two twins", operation, seed)
			}
			if ok && (len(known) == 0 || !cmp.Equal(known[0], first.Template())) {
				known = append(known, first.Template())
			}
		}
		if len(known) < 2 {
			t.Errorf("%v gives %d twins for 40 seeds, want more", operation, len(known))
		}
	}
}

func TestRemoveDropsTheSamePartOfAllDrawings(t *testing.T) {
	base := strokes.Parts(path(t, threeLines[0]))
	twin := twinOf(t, strokes.Remove, base, nil)
	for _, name := range threeLines {
		d := strokes.Parts(path(t, name))
		made, ok := twin.Of(d)
		if !ok || len(made.Strokes) != len(d.Strokes)-1 {
			t.Errorf("%s without a part has %d parts, %v, want %d", name, len(made.Strokes), ok, len(d.Strokes)-1)
		}
	}
}

func TestTwinsTellWhereDrawingsDoNotMatch(t *testing.T) {
	base, _ := traced(t, threeLines[0])
	far := strokes.Parts(strokes.Drawing{Strokes: []strokes.Stroke{{{X: 50, Y: 10}, {X: 50, Y: 90}}}})
	if made, ok := twinOf(t, strokes.Remove, base, nil).Of(far); ok {
		t.Errorf("a part of another character was taken for one of the template: %v", made)
	}
}

func TestDrawingsOfOneLineHaveFewTwins(t *testing.T) {
	line := strokes.Parts(strokes.Drawing{Strokes: []strokes.Stroke{{{X: 20, Y: 50}, {X: 80, Y: 50}}}})
	for _, operation := range []strokes.Operation{strokes.Remove, strokes.Add, strokes.Replace, strokes.Mirror, strokes.Move, strokes.Recombine, 0, 99} {
		for seed := range uint64(20) {
			if twin, ok := strokes.NewTwin(operation, seed, line, nil); ok {
				t.Errorf("a line has the twin %v by %v", twin.Template(), operation)
			}
		}
	}
	for _, operation := range []strokes.Operation{strokes.Bend, strokes.Stretch} {
		twinOf(t, operation, line, nil)
	}
}

func BenchmarkAgain(b *testing.B) {
	d, pen := traced(b, both[6])
	random := random(1)
	for b.Loop() {
		again, by := strokes.Again(random, d, pen)
		by.Draw(again, strokes.Side, strokes.Side)
	}
}

func BenchmarkTwin(b *testing.B) {
	base, pen := traced(b, bases[0])
	d, _ := traced(b, bases[1])
	twin, random := twinOf(b, strokes.Bend, base, nil), random(1)
	for b.Loop() {
		made, ok := twin.Of(d)
		if !ok {
			b.Fatal("no match")
		}
		again, by := strokes.Again(random, made, pen)
		by.Draw(again, strokes.Side, strokes.Side)
	}
}
