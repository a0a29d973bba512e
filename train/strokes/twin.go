package strokes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Operation says how a twin differs from the character that it is made of.
type Operation int

// The operations. What a part is, see Parts.
const (
	Remove    Operation = iota + 1 // it lacks a part
	Add                            // it has one more: of another character, or its own elsewhere
	Replace                        // a part of another character stands between the ends of one of its own
	Bend                           // a part is bent, the other way maybe
	Mirror                         // a part is mirrored, about its own axis or the character's
	Stretch                        // a part is longer or shorter
	Move                           // a part stands elsewhere
	Recombine                      // some parts are those of another character
)

var operationNames = []string{"remove", "add", "replace", "bend", "mirror", "stretch", "move", "recombine"}

// Operations lists all of them. The caller owns the result.
func Operations() []Operation {
	return []Operation{Remove, Add, Replace, Bend, Mirror, Stretch, Move, Recombine}
}

// String is the operation's name in names of classes.
func (o Operation) String() string {
	if o < Remove || o > Recombine {
		return fmt.Sprintf("Operation(%d)", int(o))
	}
	return operationNames[o-1]
}

// Twin is a new character that nearly is another one. The same operation, seed and
// drawings give the same twin. It never changes.
type Twin struct {
	Operation Operation
	Seed      uint64

	base   Drawing  // the template
	points []Stroke // of it
	change change
}

// change is what an operation does to a drawing: at has those of its parts that match
// the needed ones of the template, by the template's numbers, rest all others.
type change struct {
	needs []int // parts of the template that must be found again
	apply func(d Drawing, at, rest []Stroke) []Stroke
}

// What parts an operation takes, as shares of a drawing's length or in its size.
const (
	leastChanged = 0.15
	mostRemoved  = 0.5
	mostReshaped = 0.8 // more would leave little of the character
	leastAdded   = 0.6
	mostAdded    = 4.0
	leastLeft    = 0.5
)

// twinStream sets the draws of twins apart from other draws of the same seed.
const twinStream = 0x7477696e // "twin"

// NewTwin makes a twin of a drawing (see Parts) by an operation; parts of other
// characters are taken from others, drawings of them in parts. It returns false where the
// drawing, or the others, have no part for it. Whether the twin looks like another
// character is for the caller to see.
func NewTwin(operation Operation, seed uint64, base Drawing, others []Drawing) (*Twin, bool) {
	if len(base.Strokes) == 0 {
		return nil, false
	}
	random := rand.New(rand.NewPCG(seed, twinStream+uint64(operation)))
	t := &Twin{Operation: operation, Seed: seed, base: base, points: points(base)}
	m := maker{Rand: random, base: base, others: others}
	var ok bool
	switch operation {
	case Remove:
		t.change, ok = m.remove()
	case Add:
		t.change, ok = m.add()
	case Replace:
		t.change, ok = m.replace()
	case Bend:
		t.change, ok = m.bend()
	case Mirror:
		t.change, ok = m.mirror()
	case Stretch:
		t.change, ok = m.stretch()
	case Move:
		t.change, ok = m.move()
	case Recombine:
		t.change, ok = m.recombine()
	}
	return t, ok
}

// Template is the twin as it is made of the drawing that it was made by.
func (t *Twin) Template() Drawing {
	drawing, _ := t.Of(t.base) // each part matches itself
	return drawing
}

// Of is the twin as it is made of another drawing of the base character, in parts; false
// where that one's parts can't be told to be those of the template.
func (t *Twin) Of(d Drawing) (Drawing, bool) {
	var found []matched
	if slices.EqualFunc(t.base.Strokes, d.Strokes, func(a, b Stroke) bool { return &a[0] == &b[0] }) {
		found = itself(len(t.base.Strokes))
	} else {
		found = match(t.points, points(d))
	}
	at, taken := make([]Stroke, len(found)), make([]bool, len(d.Strokes))
	for _, part := range t.change.needs {
		m := found[part]
		if m.index < 0 {
			return Drawing{}, false
		}
		if at[part] = d.Strokes[m.index]; m.reversed {
			at[part] = at[part].reversed()
		}
		taken[m.index] = true
	}
	var rest []Stroke
	for i, s := range d.Strokes {
		if !taken[i] {
			rest = append(rest, s)
		}
	}
	made := Drawing{Strokes: t.change.apply(d, at, rest)}
	return made, made.length() > leastLeft*d.length()
}

// itself matches each of n parts with itself.
func itself(n int) []matched {
	all := make([]matched, n)
	for i := range all {
		all[i].index = i
	}
	return all
}

// maker draws what an operation does.
type maker struct {
	*rand.Rand
	base   Drawing
	others []Drawing
}

// part draws a part of the template of some length at least, and at most, as shares of
// the whole.
func (m *maker) part(least, most float64) (int, bool) {
	whole := m.base.length()
	var fit []int
	for i, s := range m.base.Strokes {
		if share := s.length() / whole; share >= least && share <= most {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return fit[m.IntN(len(fit))], true
}

// foreign draws a part of another character, or of this one, in its own frame.
func (m *maker) foreign() (Stroke, bool) {
	from := append(slices.Clone(m.others), m.base) // its own, too
	for range 8 {
		d := from[m.IntN(len(from))]
		if len(d.Strokes) == 0 {
			continue
		}
		f := frameOf(d)
		s := f.within(d.Strokes[m.IntN(len(d.Strokes))])
		if length := s.length(); length >= leastAdded && length <= mostAdded {
			return s, true
		}
	}
	return nil, false
}

// uniform draws from low to below high.
func (m *maker) uniform(low, high float64) float64 { return low + (high-low)*m.Float64() }

// sign is 1 or -1.
func (m *maker) sign() float64 { return float64(2*m.IntN(2) - 1) }

// changing is a change of one part into others.
func changing(part int, into func(f frame, s Stroke) []Stroke) change {
	return change{needs: []int{part}, apply: func(d Drawing, at, rest []Stroke) []Stroke {
		return append(rest, into(frameOf(d), at[part])...)
	}}
}

// reshaping is a change of one part's path, which parts that touch it follow.
func reshaping(part int, into func(f frame, s Stroke) Stroke) change {
	return change{needs: []int{part}, apply: func(d Drawing, at, rest []Stroke) []Stroke {
		now := into(frameOf(d), at[part])
		return append(following(rest, at[part], now), now)
	}}
}

// direction is that from a point to another, of length 1; to the right where they are one.
func direction(from, to Point) (x, y float64) {
	length := math.Hypot(to.X-from.X, to.Y-from.Y)
	if length == 0 {
		return 1, 0
	}
	return (to.X - from.X) / length, (to.Y - from.Y) / length
}
