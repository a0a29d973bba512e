package strokes

import (
	"math"
	"slices"
)

// edge is a line of the skeleton between two nodes, or from a node to a free end.
type edge struct {
	path  Stroke
	nodes [2]int // at the path's beginning and end; -1: a free end
}

// graph is a thinned drawing: lines, and the places where they meet.
type graph struct {
	nodes []Point
	edges []edge
}

// freeEnd stands for a node where a line ends.
const freeEnd = -1

// tracer reads a graph from a thinned bitmap.
type tracer struct {
	bitmap
	offsets [neighbours]int
	node    []int  // of cells where lines meet, the number of the node; of others -1
	visited []bool // of other cells
	graph   graph
}

// graphOf follows the lines of a thinned bitmap.
func graphOf(b bitmap) graph {
	t := &tracer{bitmap: b, offsets: b.offsets(), node: slices.Repeat([]int{freeEnd}, len(b.ink)), visited: make([]bool, len(b.ink))}
	for at, ink := range b.ink {
		if ink && t.node[at] < 0 && b.degree(at, &t.offsets) > 2 {
			t.meeting(at)
		}
	}
	for at, ink := range b.ink { // lines from their ends, then closed ones from anywhere
		if ink && t.node[at] < 0 && !t.visited[at] && t.isEnd(at) {
			t.follow(at)
		}
	}
	for at, ink := range b.ink {
		if ink && t.node[at] < 0 && !t.visited[at] {
			t.follow(at)
		}
	}
	return t.graph
}

// point is the middle of a cell.
func (t *tracer) point(at int) Point {
	return Point{X: (float64(at%t.width) - 0.5) * t.scale, Y: (float64(at/t.width) - 0.5) * t.scale}
}

// meeting makes a node of all cells that touch each other where lines meet.
func (t *tracer) meeting(at int) {
	number, cells := len(t.graph.nodes), []int{at}
	t.node[at] = number
	sum := Point{}
	for i := 0; i < len(cells); i++ {
		p := t.point(cells[i])
		sum = sum.plus(p.X, p.Y)
		for _, offset := range t.offsets {
			next := cells[i] + offset
			if t.ink[next] && t.node[next] < 0 && t.degree(next, &t.offsets) > 2 {
				t.node[next] = number
				cells = append(cells, next)
			}
		}
	}
	n := float64(len(cells))
	t.graph.nodes = append(t.graph.nodes, Point{X: sum.X / n, Y: sum.Y / n})
}

// isEnd reports whether a line begins at the cell: at a free end or beside a node.
func (t *tracer) isEnd(at int) bool {
	lines := 0
	for _, offset := range t.offsets {
		if t.ink[at+offset] && t.node[at+offset] < 0 {
			lines++
		}
	}
	return lines < 2
}

// nodeBeside is a node that the cell touches, another one than the given if there is one.
func (t *tracer) nodeBeside(at, but int) int {
	found := freeEnd
	for _, offset := range t.offsets {
		if node := t.node[at+offset]; node >= 0 && (found == freeEnd || found == but) {
			found = node
		}
	}
	return found
}

// follow walks along a line and makes an edge of it.
func (t *tracer) follow(at int) {
	from := t.nodeBeside(at, freeEnd)
	var path Stroke
	if from != freeEnd {
		path = append(path, t.graph.nodes[from])
	}
	start, last := at, at
	for at >= 0 {
		t.visited[at] = true
		path = append(path, t.point(at))
		last, at = at, t.next(at)
	}
	to := t.nodeBeside(last, from)
	alone := last == start
	switch {
	case to == from && alone && from != freeEnd:
		if t.degree(start, &t.offsets) > 1 {
			return // a bump of the node itself
		}
		to = freeEnd
	case to != freeEnd:
		path = append(path, t.graph.nodes[to])
	case from == freeEnd && !alone && t.touch(start, last) && len(path) > 3:
		path = append(path, t.point(start)) // closed
	}
	t.graph.edges = append(t.graph.edges, edge{path: path, nodes: [2]int{from, to}})
}

// next is the cell that a line goes on to, -1 at its end.
func (t *tracer) next(at int) int {
	for _, offset := range t.offsets {
		if t.ink[at+offset] && t.node[at+offset] < 0 && !t.visited[at+offset] {
			return at + offset
		}
	}
	return -1
}

// touch reports whether two cells are neighbours.
func (t *tracer) touch(a, b int) bool {
	dx, dy := a%t.width-b%t.width, a/t.width-b/t.width
	return max(dx, -dx) <= 1 && max(dy, -dy) <= 1
}

// contract makes one node of two that an edge no longer than the bound joins: thinning
// draws a crossing as two meetings with a short line between them.
func (g *graph) contract(bound float64) {
	for i := 0; i < len(g.edges); i++ {
		e := g.edges[i]
		if e.nodes[0] == freeEnd || e.nodes[1] == freeEnd || e.nodes[0] == e.nodes[1] || e.path.length() > bound {
			continue
		}
		g.edges = append(g.edges[:i], g.edges[i+1:]...)
		g.merge(e.nodes[0], e.nodes[1])
		i = -1
	}
}

// merge puts one node in the place of two.
func (g *graph) merge(a, b int) {
	g.nodes[a] = g.nodes[a].between(g.nodes[b], 0.5)
	for i := range g.edges {
		e := &g.edges[i]
		for side, node := range e.nodes {
			if node != a && node != b {
				continue
			}
			e.nodes[side] = a
			e.path[side*(len(e.path)-1)] = g.nodes[a]
		}
	}
}

// prune drops lines of at most the bound with a free end, but never the last of a node.
func (g *graph) prune(bound float64) {
	ends := map[int]int{}
	for _, e := range g.edges {
		ends[e.nodes[0]]++
		ends[e.nodes[1]]++
	}
	kept := g.edges[:0]
	for _, e := range g.edges {
		node := max(e.nodes[0], e.nodes[1])
		isSpur := node != freeEnd && min(e.nodes[0], e.nodes[1]) == freeEnd
		if isSpur && ends[node] > 1 && e.path.length() <= bound {
			ends[node]--
			continue
		}
		kept = append(kept, e)
	}
	g.edges = kept
}

// heading is the direction, in radians, in which an edge leaves its node at a side, over
// its first part.
func (e edge) heading(side int) float64 {
	const reach = 7
	path := e.path
	if side == 1 {
		path = path.reversed()
	}
	far, walked := path[len(path)-1], 0.
	for i := 1; i < len(path); i++ {
		if walked += path[i-1].distance(path[i]); walked >= reach {
			far = path[i]
			break
		}
	}
	return math.Atan2(far.Y-path[0].Y, far.X-path[0].X)
}
