package dataset

import (
	"slices"
	"testing"

	"siamese/imaging"
)

// lookOf is how a drawing of one line looks, from the middle of the paper to a corner or
// to another middle.
func lookOf(toX, toY int) *shapes {
	const side = 64
	p := &imaging.Picture{Width: side, Height: side, Pix: slices.Repeat([]byte{255}, 3*side*side)}
	for i := range side / 2 {
		x, y := side/2+toX*i, side/2+toY*i
		copy(p.Pix[3*(y*side+x):], []byte{0, 0, 0})
	}
	upright, look := shapeOf(p), &shapes{within: 0.01}
	for v := range variant(allVariants) {
		look.of[v] = []*shape{upright.made(v)}
	}
	return look
}

// TestTwinsOfTwoClassesAreKeptApart: of two classes of an alphabet the first keeps a twin
// that both have, turned or not, as classes are; another alphabet's has its own.
func TestTwinsOfTwoClassesAreKeptApart(t *testing.T) {
	level, upright, slanted := lookOf(1, 0), lookOf(0, 1), lookOf(1, 1)
	tests := []struct {
		name  string
		poses []variant
		want  [][]bool // by class and twin, whether it is kept
	}{
		{"upright", []variant{0}, [][]bool{{true}, {true}, {true, false, true}}},
		{"turned", []variant{0, 1}, [][]bool{{true}, {true}, {false, false, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bases := []*base{{class: Class{Alphabet: "Greek"}}, {class: Class{Alphabet: "Latin"}}, {class: Class{Alphabet: "Greek"}}}
			made := [][]twinLook{{{&twin{}, level}}, {{&twin{}, level}}, {{&twin{}, upright}, {&twin{}, level}, {&twin{}, slanted}}}
			if err := keepApart(t.Context(), bases, made, tt.poses); err != nil {
				t.Fatal(err)
			}
			for i, twins := range made {
				for k, one := range twins {
					if kept := one.twin != nil; kept != tt.want[i][k] {
						t.Errorf("twin %d of class %d is kept: %v, want %v", k, i, kept, tt.want[i][k])
					}
				}
			}
		})
	}
}
