package webcam

import (
	"image"
	"strings"
	"testing"
	"time"
)

// sizes are pictures that an overlay has to fit: usual, tiny, huge, odd, thin.
var sizes = []image.Point{{X: 640, Y: 480}, {X: 105, Y: 105}, {X: 3840, Y: 2160}, {X: 641, Y: 361}, {X: 1000, Y: 60}, {X: 60, Y: 1000}, {X: 1, Y: 1}}

func TestFitKeepsProportions(t *testing.T) {
	for _, size := range sizes {
		f := newFit(size)
		if f.canvas.X%2 != 0 || f.canvas.Y%2 != 0 || f.canvas.X < minCanvas.X || f.canvas.Y < minCanvas.Y || f.canvas.X > maxCanvas.X || f.canvas.Y > maxCanvas.Y {
			t.Errorf("canvas of %v = %v, want even sides within %v and %v", size, f.canvas, minCanvas, maxCanvas)
		}
		if !f.picture.In(image.Rectangle{Max: f.canvas}) {
			t.Errorf("picture of %v at %v, want it within %v", size, f.picture, f.canvas)
		}
		// Rounding to whole pixels may move each side by one.
		if x, y := f.picture.Dx()*size.Y, f.picture.Dy()*size.X; max(x-y, y-x) > size.X+size.Y {
			t.Errorf("picture of %v shown as %v, want its proportions", size, f.picture.Size())
		}
		if got := f.toCanvas(image.Rectangle{Max: size}); got != f.picture {
			t.Errorf("all of %v on the canvas = %v, want %v", size, got, f.picture)
		}
		if got := f.toPicture(f.picture); got != (image.Rectangle{Max: size}) {
			t.Errorf("%v in the picture = %v, want all of %v", f.picture, got, size)
		}
	}
}

func TestLaterSizesFitTheSameCanvas(t *testing.T) {
	for _, size := range sizes {
		if f := fitInto(size, image.Pt(640, 480)); !f.picture.In(image.Rect(0, 0, 640, 480)) || f.picture.Empty() {
			t.Errorf("%v on 640x480 lies at %v, want it within", size, f.picture)
		}
	}
}

func TestOverlayStaysOnTheCanvas(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &standing{Reference: strings.Repeat("long name ", 20), Similarity: 1.5, Smoothed: -1, Threshold: 0.5}
	s.history.add(now.Add(-time.Second), 2)
	s.history.add(now, -2)
	for _, size := range sizes {
		f := newFit(size)
		v := view{fit: f, region: image.Rectangle{Max: size}, standing: s, references: 3, link: strings.Repeat("x", 200), note: strings.Repeat("y ", 400), doubt: true}
		of := v
		of.gallery = &galleryView{name: "g", thumbnails: true, ranked: []standing{*s, *s, *s, *s, *s, *s, *s}}
		within := image.Rectangle{Max: f.canvas.Add(image.Pt(1, 1))}
		for _, shape := range append(layOut(v, now).Shapes, layOut(of, now).Shapes...) {
			if !shape.Rect.In(within) {
				t.Errorf("canvas %v: %q at %v, want it within", f.canvas, shape.Text, shape.Rect)
			}
			for _, point := range shape.Points {
				if !point.In(within) {
					t.Errorf("canvas %v: a line through %v, want it within", f.canvas, point)
				}
			}
		}
	}
}

func TestOverlayTellsWhatThereIs(t *testing.T) {
	now := time.Unix(1000, 0)
	same := &standing{Reference: "cat.png", Similarity: 0.9, Smoothed: 0.8, Threshold: 0.5, Same: true}
	other, old := *same, *same
	strange := *same
	other.Same = false
	old.stale = true
	strange.Doubt = "It is strange."
	base := view{fit: newFit(image.Pt(640, 480)), link: "connected, model", linked: true, references: 2}
	tests := []struct {
		name string
		give func(view) view
		want []string
	}{
		{"same", func(v view) view { v.standing = same; return v }, []string{"0.90 same", "cat.png, best of 2, same from 0.50", "smoothed 0.80, 2 s", "connected, model", helpLine}},
		{"different", func(v view) view { v.standing = &other; return v }, []string{"0.90 different"}},
		{"old", func(v view) view { v.standing = &old; return v }, []string{"0.90 (old)"}},
		{"foreign", func(v view) view { v.standing, v.note, v.doubt = &strange, strange.Doubt, true; return v }, []string{"0.90 same?", "It is strange."}},
		{"what the model knows", func(v view) view { v.note = "Photographs of things."; return v }, []string{"Photographs of things."}},
		{"auto", func(v view) view { v.standing, v.model = same, "Pictures"; return v }, []string{"cat.png, best of 2, same from 0.50", "by Pictures"}},
		{"chosen", func(v view) view { v.standing, v.chosen = same, true; return v }, []string{"cat.png, chosen from 2"}},
		{"one reference", func(v view) view { v.standing, v.references = same, 1; return v }, []string{"cat.png, same from 0.50"}},
		{"no score", func(v view) view { return v }, []string{"no score yet"}},
		{"no reference", func(v view) view { v.references = 0; return v }, []string{"no reference yet: r takes the region as one"}},
		{"paused", func(v view) view { v.paused = true; return v }, []string{"paused, p goes on"}},
		{"message", func(v view) view { v.message = "wrote été.png"; return v }, []string{"connected, model - wrote ?t?.png"}},
		{"figures", func(v view) view {
			v.shownRate, v.scoredRate, v.lag, v.dropped = 30, 12, 83*time.Millisecond, 7
			return v
		}, []string{"shown 30/s   scored 12/s   lag 83 ms   dropped 7"}},
	}
	for _, tt := range tests {
		var texts []string
		for _, shape := range layOut(tt.give(base), now).Shapes {
			texts = append(texts, shape.Text)
		}
		all := "|" + strings.Join(texts, "|")
		for _, want := range tt.want {
			if !strings.Contains(all, "|"+want) {
				t.Errorf("%s: the overlay says %q, want %q in it", tt.name, all, want)
			}
		}
	}
}

func TestDoubtsAreAmberAndWrapped(t *testing.T) {
	s := &standing{Reference: "a", Similarity: 0.9, Same: true, Doubt: "doubt"}
	text := strings.Repeat("twelve words are more than fit on one line of this small window ", 2)
	drawing := layOut(view{fit: newFit(image.Pt(640, 480)), standing: s, link: "connected", linked: true, note: text, doubt: true}, time.Unix(1000, 0))
	var lines []string
	for _, shape := range drawing.Shapes {
		if shape.Color == colorSame && (shape.Kind == Fill || shape.Kind == Frame || strings.Contains(shape.Text, "same")) {
			t.Errorf("a doubtful score has a green shape: %+v", shape)
		}
		if shape.Color == colorWarn && shape.Kind == Words && strings.Contains(text, shape.Text) {
			lines = append(lines, shape.Text)
		}
	}
	if len(lines) != 2 || strings.Join(lines, " ") != strings.TrimSpace(text) {
		t.Errorf("the doubt is told as %q, want all of it on two amber lines", lines)
	}
}

func TestWordsLieOnShade(t *testing.T) {
	drawing := layOut(view{fit: newFit(image.Pt(640, 480)), link: "connected", note: "It is strange."}, time.Unix(1000, 0))
	for _, shape := range drawing.Shapes {
		if shape.Kind != Words {
			continue
		}
		shaded := false
		for _, ground := range drawing.Shapes {
			shaded = shaded || ground.Kind == Shade && shape.Rect.Min.In(ground.Rect) && shape.Rect.Min.Sub(image.Pt(0, shape.Size)).In(ground.Rect)
		}
		if !shaded {
			t.Errorf("%q at %v lies on the bare picture, want it on a shade", shape.Text, shape.Rect.Min)
		}
	}
}
