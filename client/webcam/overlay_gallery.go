package webcam

import (
	"fmt"
	"image"
	"time"
)

// The measures of a gallery's list, as those of the overlay.
const (
	listWidth  = 290
	listPlaces = 4  // after the best one
	listLine   = 17 // from one baseline to the next
	listScore  = 38 // from the similarity to the verdict
	listName   = 84 // from the verdict to the name
)

// galleryHelpLine tells the keys.
const galleryHelpLine = "p pause   s snapshot   drag region   c clear   q quit"

// galleryView is what the overlay tells of a gallery.
type galleryView struct {
	name       string
	thumbnails bool       // it keeps them
	ranked     []standing // the best things, best first
	answered   bool       // pictures are
	empty      string     // says so where it is
}

// galleryView is nil where there is no gallery.
func (b *board) galleryView(now time.Time) *galleryView {
	g := b.gallery
	if g == nil {
		return nil
	}
	return &galleryView{name: g.name, thumbnails: g.thumbnails, ranked: b.ranked(now), answered: g.answered, empty: g.emptyText()}
}

// waitingText says why nothing is shown.
func (g *galleryView) waitingText() string {
	switch {
	case g.empty != "":
		return g.empty
	case g.answered:
		return fmt.Sprintf("nothing in gallery %q is as similar", g.name)
	}
	return fmt.Sprintf("no answer yet from gallery %q", g.name)
}

// drawFound tells the gallery's best thing, and beside it those that follow.
func (o *overlay) drawFound(v view, top int) {
	s := v.standing
	if v.gallery.thumbnails {
		o.drawThumbnail(s.Reference, top)
	}
	left := o.panelLeft(v)
	listLeft := o.Canvas.X - o.px(listWidth)
	width := listLeft - left - o.px(margin)
	c := verdictColor(s)
	o.words(image.Pt(left, top+o.px(24)), o.px(largeText), width, c, fmt.Sprintf("%.2f %s", s.Similarity, verdictWord(s)))
	o.words(image.Pt(left, top+o.px(44)), o.px(normalText), width, colorText, s.Reference)
	o.drawBar(image.Rect(left, top+o.px(54), left+width, top+o.px(54+barHeight)), s, c)
	o.words(image.Pt(left, top+o.px(80)), o.px(smallText), width, colorFaint, fmt.Sprintf("same from %.2f", s.Threshold))
	if len(v.gallery.ranked) > 1 {
		o.drawList(image.Pt(listLeft, top+o.px(24)), v.gallery.ranked[1:])
	}
}

// drawList tells the things after the best one, as many as there is room for.
func (o *overlay) drawList(at image.Point, things []standing) {
	verdict, name := o.px(listScore), o.px(listScore+listName)
	for i := range things[:min(len(things), listPlaces)] {
		s := &things[i]
		c := verdictColor(s)
		line := at.Add(image.Pt(0, i*o.px(listLine)))
		o.words(line, o.px(smallText), 0, c, fmt.Sprintf("%.2f", s.Similarity))
		o.words(line.Add(image.Pt(verdict, 0)), o.px(smallText), 0, c, verdictWord(s))
		o.words(line.Add(image.Pt(name, 0)), o.px(smallText), o.px(listWidth-margin)-name, colorText, s.Reference)
	}
}
