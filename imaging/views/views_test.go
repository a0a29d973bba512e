package views_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/imaging/views"
)

var update = flag.Bool("update", false, "write the golden file")

// drawing is a picture of sharp and soft edges whose corners differ, of odd sides.
func drawing(width, height int) *imaging.Picture {
	p := &imaging.Picture{Width: width, Height: height}
	for y := range height {
		for x := range width {
			v := byte(255)
			if (x-width/3)*(x-width/3)+(y-height/2)*(y-height/2) < width*height/16 {
				v = byte(3 * x)
			}
			p.Pix = append(p.Pix, v, byte(5*y), byte(x*y))
		}
	}
	return p
}

func plain(width, height int, r, g, b byte) *imaging.Picture {
	return &imaging.Picture{Width: width, Height: height, Pix: bytes.Repeat([]byte{r, g, b}, width*height)}
}

func of(t *testing.T, p *imaging.Picture, n int) []*imaging.Picture {
	t.Helper()
	made, err := views.Of(p, n)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The golden file holds each view's digest: a change of any pixel on any machine shows.
func TestViewsAreTheGoldenOnes(t *testing.T) {
	var lines strings.Builder
	for _, size := range [][2]int{{105, 105}, {31, 17}, {1, 1}} {
		for k, view := range of(t, drawing(size[0], size[1]), views.Most) {
			sum := sha256.Sum256(view.Pix)
			fmt.Fprintf(&lines, "%dx%d view %d %s\n", size[0], size[1], k, hex.EncodeToString(sum[:8]))
		}
	}
	file := filepath.Join("testdata", "views.golden")
	if *update {
		if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if lines.String() != string(want) {
		t.Errorf("views are\n%swant\n%s", lines.String(), want)
	}
}

func TestFewerViewsAreTheFirstOfMore(t *testing.T) {
	p := drawing(20, 20)
	before := bytes.Clone(p.Pix)
	all := of(t, p, views.Most)
	if all[0] != p || !bytes.Equal(p.Pix, before) {
		t.Error("the first view is not the picture itself, unchanged")
	}
	for n := 1; n <= views.Most; n++ {
		for k, view := range of(t, p, n) {
			if !bytes.Equal(view.Pix, all[k].Pix) {
				t.Errorf("view %d of %d differs from that of %d", k, n, views.Most)
			}
		}
	}
	for i := range all {
		for j := range i {
			if bytes.Equal(all[i].Pix, all[j].Pix) {
				t.Errorf("views %d and %d are the same", i, j)
			}
		}
	}
}

// Beyond the edge is the edge's colour: nothing of one colour changes.
func TestPicturesOfOneColourStayAsTheyAre(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 40}, {40, 1}, {33, 64}} {
		p := plain(size[0], size[1], 250, 7, 128)
		for k, view := range of(t, p, views.Most) {
			if view.Width != p.Width || view.Height != p.Height || !bytes.Equal(view.Pix, p.Pix) {
				t.Errorf("view %d of %dx%d is not the picture", k, size[0], size[1])
			}
		}
	}
}

// centre is the darkness's centre, in pixels from the picture's, and its spread.
func centre(p *imaging.Picture) (x, y, spread float64) {
	var sum float64
	for i := 0; i < len(p.Pix); i += 3 {
		dark := float64(255 - p.Pix[i])
		sum += dark
		x += dark * (float64(i/3%p.Width) - float64(p.Width-1)/2)
		y += dark * (float64(i/3/p.Width) - float64(p.Height-1)/2)
	}
	x, y = x/sum, y/sum
	for i := 0; i < len(p.Pix); i += 3 {
		dx, dy := float64(i/3%p.Width)-float64(p.Width-1)/2-x, float64(i/3/p.Width)-float64(p.Height-1)/2-y
		spread += float64(255-p.Pix[i]) * (dx*dx + dy*dy)
	}
	return x, y, math.Sqrt(spread / sum)
}

// dot is a dark square on white, its centre that far from the picture's.
func dot(side, right, down int) *imaging.Picture {
	p := plain(side, side, 255, 255, 255)
	for y := -4; y <= 4; y++ {
		for x := -4; x <= 4; x++ {
			at := 3 * ((side/2+down+y)*side + side/2 + right + x)
			copy(p.Pix[at:at+3], []byte{0, 0, 0})
		}
	}
	return p
}

// Every view moves what it shows by a few hundredths of the side and hardly changes its
// size; all together they move it nowhere.
func TestViewsAreSmallMovesThatEvenOut(t *testing.T) {
	const side, away = 101, 30
	mostMove := 0.09 * side
	var sumX, sumY float64
	_, _, own := centre(dot(side, away, 0))
	for k, view := range of(t, dot(side, away, 0), views.Most) {
		x, y, spread := centre(view)
		moved := math.Hypot(x-away, y)
		if k > 0 && (moved < 0.005*side || moved > mostMove) {
			t.Errorf("view %d moves a point near the edge by %.2f pixels of %d, want some, at most %.1f", k, moved, side, mostMove)
		}
		if spread < 0.85*own || spread > 1.15*own {
			t.Errorf("view %d spreads a dot from %.2f to %.2f", k, own, spread)
		}
		sumX, sumY = sumX+x-away, sumY+y
	}
	if math.Abs(sumY)/views.Most > 0.25 || math.Abs(sumX)/views.Most > 1 {
		t.Errorf("views move a point by %.2f, %.2f pixels on average, want about none", sumX/views.Most, sumY/views.Most)
	}
}

func TestOfRefusesWhatItCanNotMake(t *testing.T) {
	good := plain(4, 4, 1, 2, 3)
	tests := []struct {
		name    string
		picture *imaging.Picture
		n       int
	}{
		{"no view", good, 0},
		{"negative", good, -1},
		{"too many", good, views.Most + 1},
		{"no picture", &imaging.Picture{}, 2},
		{"too few bytes", &imaging.Picture{Width: 2, Height: 2, Pix: make([]byte, 11)}, 2},
		{"a negative side", &imaging.Picture{Width: -2, Height: -2, Pix: make([]byte, 12)}, 2},
	}
	for _, tt := range tests {
		if made, err := views.Of(tt.picture, tt.n); err == nil || made != nil || !strings.HasPrefix(err.Error(), "views: received") {
			t.Errorf("%s: %v, %v, want an error that says what was received", tt.name, made, err)
		}
	}
}

func TestMean(t *testing.T) {
	tests := []struct {
		name     string
		own      float32
		ofA, ofB []float32
		want     float32
	}{
		{"alone", 0.1, nil, nil, 0.1},
		{"one side", 0.5, []float32{0.25, 0.75}, nil, 0.5},
		{"both sides", 1, []float32{0.5}, []float32{0}, 0.5},
	}
	for _, tt := range tests {
		if got := views.Mean(tt.own, tt.ofA, tt.ofB); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if got, swapped := views.Mean(tt.own, tt.ofA, tt.ofB), views.Mean(tt.own, tt.ofB, tt.ofA); got != swapped {
			t.Errorf("%s: swapped %v, want %v", tt.name, swapped, got)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	p := drawing(105, 105)
	for b.Loop() {
		if _, err := views.Of(p, views.Most); err != nil {
			b.Fatal(err)
		}
	}
}
