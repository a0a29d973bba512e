package strokes

import (
	"cmp"
	"math"
	"slices"
)

// mostTurn is by how much, in radians, a pen turns at most where its stroke passes
// through a meeting of three lines or more.
const mostTurn = 1.05 // 60°

// maxEdges is how many lines a drawing's skeleton has at most, before short ones are
// dropped: characters have some 20, noise of 105 by 105 pixels 400. Drawing again takes
// the square of the number.
const maxEdges = 200

// Trace finds the strokes of a picture, [height,width] uint8, dark lines on light paper:
// the middle of the ink, followed through crossings as a pen would go, straight on. It
// also returns the pen's width, in a drawing's units. What is not wider than a line is no
// stroke where it sticks out of one. It returns false where there are no lines: all is of
// one level, mostly dark, or as full of them as noise is.
func Trace(pixels []byte, width, height int) (d Drawing, pen float64, ok bool) {
	if width < 1 || height < 1 || len(pixels) != width*height {
		return Drawing{}, 0, false
	}
	ink, ok := inkOf(pixels, width, height)
	if !ok {
		return Drawing{}, 0, false
	}
	area := ink.area()
	ink.thin()
	g := graphOf(ink)
	if len(g.edges) > maxEdges {
		return Drawing{}, 0, false
	}
	pen = penWidth(g.drawing(), area)
	g.contract(1.5 * pen)
	g.prune(1.2 * pen)
	d = Drawing{Strokes: g.strokes()}
	return d, penWidth(d, area), len(d.Strokes) > 0
}

// drawing has a stroke for each edge.
func (g *graph) drawing() Drawing {
	var d Drawing
	for _, e := range g.edges {
		d.Strokes = append(d.Strokes, e.path)
	}
	return d
}

// end is one of the two ends of an edge.
type end struct{ edge, side int }

// strokes joins edges that go straight on through their nodes.
func (g *graph) strokes() []Stroke {
	joined := g.joints()
	taken := make([]bool, len(g.edges))
	var all []Stroke
	for _, closed := range []bool{false, true} { // closed strokes have no end to begin at
		for i := range g.edges {
			for side := range 2 {
				_, goesOn := joined[end{i, side}]
				if !taken[i] && (closed || !goesOn) {
					all = append(all, g.walk(end{i, side}, joined, taken))
				}
			}
		}
	}
	return all
}

// walk follows joined edges from an end.
func (g *graph) walk(from end, joined map[end]end, taken []bool) Stroke {
	var stroke Stroke
	for at, more := from, true; more && !taken[at.edge]; {
		taken[at.edge] = true
		path := g.edges[at.edge].path
		if at.side == 1 {
			path = path.reversed()
		}
		if len(stroke) > 0 {
			path = path[1:] // the node is there
		}
		stroke = append(stroke, path...)
		at, more = joined[end{at.edge, 1 - at.side}]
	}
	return stroke
}

// joints pairs the ends that meet at a node, the straightest first. Where two meet alone
// they are one stroke, however it turns.
func (g *graph) joints() map[end]end {
	at := make([][]end, len(g.nodes))
	for i, e := range g.edges {
		for side, node := range e.nodes {
			if node != freeEnd {
				at[node] = append(at[node], end{i, side})
			}
		}
	}
	joined := map[end]end{}
	for _, ends := range at {
		limit := mostTurn
		if len(ends) == 2 {
			limit = math.Pi
		}
		for _, pair := range g.straightest(ends) {
			_, a := joined[pair.a]
			_, b := joined[pair.b]
			if !a && !b && pair.turn <= limit {
				joined[pair.a], joined[pair.b] = pair.b, pair.a
			}
		}
	}
	return joined
}

// joint is a way through a node.
type joint struct {
	a, b end
	turn float64 // radians
}

// straightest lists the ways through a node by how far they turn.
func (g *graph) straightest(ends []end) []joint {
	var all []joint
	for i, a := range ends {
		for _, b := range ends[:i] {
			turn := math.Remainder(g.edges[a.edge].heading(a.side)-g.edges[b.edge].heading(b.side)-math.Pi, 2*math.Pi)
			all = append(all, joint{b, a, math.Abs(turn)})
		}
	}
	slices.SortStableFunc(all, func(a, b joint) int { return cmp.Compare(a.turn, b.turn) })
	return all
}
