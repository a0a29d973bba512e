package webcam

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"time"
)

// Drawing is what a Painter makes of a picture: a canvas, where the picture
// lies on it, and shapes over it in their order.
type Drawing struct {
	// Canvas is columns and rows, both even.
	Canvas image.Point
	// Picture is where the picture goes, scaled; the rest of the canvas is black.
	Picture image.Rectangle
	Shapes  []Shape
}

// ShapeKind says which of a Shape's fields count.
type ShapeKind int

// The kinds of shapes.
const (
	// Shade darkens Rect, so that light words on it can be read on any picture.
	Shade ShapeKind = iota
	// Fill fills Rect with Color.
	Fill
	// Frame draws Rect's border in Color, Width pixels thick.
	Frame
	// Path joins Points by a line in Color, Width pixels thick.
	Path
	// Words writes Text in Color, its baseline beginning at Rect.Min, Size pixels
	// high, with strokes of Width.
	Words
	// Thumbnail shows the picture of the reference Text within Rect.
	Thumbnail
)

// Shape is one thing to draw, in the canvas' pixels.
type Shape struct {
	Kind   ShapeKind
	Rect   image.Rectangle
	Points []image.Point
	Text   string // printable ASCII for Words
	Size   int    // the height of capitals, in pixels
	Width  int
	Color  color.RGBA
}

// The colours of the overlay: light ones, for shaded ground.
var (
	colorText  = color.RGBA{R: 240, G: 240, B: 240, A: 255}
	colorFaint = color.RGBA{R: 165, G: 165, B: 165, A: 255}
	colorSame  = color.RGBA{R: 80, G: 220, B: 110, A: 255}
	colorOther = color.RGBA{R: 255, G: 120, B: 95, A: 255}
	colorWarn  = color.RGBA{R: 255, G: 200, B: 70, A: 255}
	colorTrack = color.RGBA{R: 70, G: 70, B: 70, A: 255}
	colorBlack = color.RGBA{A: 255}
)

func (d *Drawing) shade(r image.Rectangle) {
	d.Shapes = append(d.Shapes, Shape{Kind: Shade, Rect: r})
}

func (d *Drawing) fill(r image.Rectangle, c color.RGBA) {
	d.Shapes = append(d.Shapes, Shape{Kind: Fill, Rect: r, Color: c})
}

func (d *Drawing) path(c color.RGBA, width int, points ...image.Point) {
	d.Shapes = append(d.Shapes, Shape{Kind: Path, Points: points, Color: c, Width: width})
}

// region draws a border that shows on light and dark ground: black around light.
func (d *Drawing) region(r image.Rectangle, c color.RGBA) {
	d.Shapes = append(d.Shapes,
		Shape{Kind: Frame, Rect: r, Color: colorBlack, Width: 5},
		Shape{Kind: Frame, Rect: r, Color: c, Width: 2})
}

// words writes a text that is cut to a width in pixels; 0: not cut.
func (d *Drawing) words(at image.Point, size, width int, c color.RGBA, text string) {
	d.Shapes = append(d.Shapes, Shape{
		Kind: Words, Rect: image.Rectangle{Min: at, Max: at}, Size: size, Width: 1 + size/15, Color: c,
		Text: cut(plain(text), size, width),
	})
}

// cut shortens a text to a width in pixels. A letter of the drawing font is, on
// average, 0.85 times as wide as capitals are high.
func cut(text string, size, width int) string {
	if width <= 0 {
		return text
	}
	letters := max(4, width*100/max(1, 85*size))
	if len(text) <= letters {
		return text
	}
	return text[:letters-3] + "..."
}

// wrap breaks a text into lines of a width in pixels, at most noteLines; what is
// over is cut.
func wrap(text string, size, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		longer := strings.TrimSpace(*last + " " + word)
		if *last == "" || len(lines) == noteLines || cut(longer, size, width) == longer {
			*last = longer // the last line is cut where it is drawn
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// plain makes a text printable with OpenCV's fonts, which know ASCII alone.
func plain(text string) string {
	letters := make([]byte, 0, len(text))
	for _, r := range text {
		if r < ' ' || r > '~' {
			r = '?'
		}
		letters = append(letters, byte(r))
	}
	return string(letters)
}

// view is all that the overlay tells, at one moment.
type view struct {
	fit      fit
	region   image.Rectangle // in the picture
	dragging image.Rectangle // on the canvas; empty where the mouse draws nothing

	standing   *standing // of the reference that is shown; nil: none has a score
	chosen     bool      // the user chose the reference; else it is the best
	references int
	model      string // that answered; empty where it is always the same
	gallery    *galleryView
	note       string // a line over the panel; empty: none
	doubt      bool   // the note is why the score means little

	link    string // how the connection is
	linked  bool   // scores come
	message string // the last word to the user; empty where there is none
	paused  bool

	shownRate, scoredRate float64 // per second
	lag                   time.Duration
	dropped               int64
}

// helpLine tells the keys.
const helpLine = "r take reference   n next   p pause   s snapshot   drag region   c clear   q quit"

// The overlay's measures for a canvas 480 pixels high; larger ones are drawn
// larger.
const (
	measuredHeight = 480
	stripHeight    = 26
	panelHeight    = 122
	margin         = 10
	thumbnailSide  = 76
	smallText      = 9
	normalText     = 11
	largeText      = 16
	noteText       = 10
	noteLine       = 17 // from one baseline to the next
	noteGap        = 7  // below the last baseline
	noteEdge       = 4  // of a doubt's left edge
	noteLines      = 3  // at most
	barHeight      = 14
)

// overlay lays out everything that is drawn over a picture.
type overlay struct {
	Drawing
	scale float64
}

// layOut draws a view: a strip with the connection at the top, the region, and
// a panel with the score below.
func layOut(v view, now time.Time) Drawing {
	o := &overlay{
		Drawing: Drawing{Canvas: v.fit.canvas, Picture: v.fit.picture},
		scale:   max(1, float64(v.fit.canvas.Y)/measuredHeight),
	}
	o.drawRegion(v)
	o.drawStrip(v)
	o.drawPanel(v, now)
	o.drawNote(v)
	return o.Drawing
}

// px scales a measure.
func (o *overlay) px(measure int) int {
	return int(float64(measure)*o.scale + 0.5)
}

func (o *overlay) drawRegion(v view) {
	c := colorText
	if v.standing != nil {
		c = verdictColor(v.standing)
	}
	o.region(v.fit.toCanvas(v.region), c)
	if !v.dragging.Empty() {
		o.region(v.dragging, colorWarn)
	}
}

// drawStrip tells how the connection is, and the last message.
func (o *overlay) drawStrip(v view) {
	o.shade(image.Rect(0, 0, o.Canvas.X, o.px(stripHeight)))
	c := colorSame
	if !v.linked {
		c = colorWarn
	}
	text := v.link
	if v.paused {
		text, c = "paused, p goes on", colorWarn
	}
	if v.message != "" {
		text += " - " + v.message
	}
	o.words(image.Pt(o.px(margin), o.px(18)), o.px(normalText), o.Canvas.X-2*o.px(margin), c, text)
}

func (o *overlay) drawPanel(v view, now time.Time) {
	top := o.Canvas.Y - o.px(panelHeight)
	o.shade(image.Rect(0, top, o.Canvas.X, o.Canvas.Y))
	switch {
	case v.standing != nil && v.gallery != nil:
		o.drawFound(v, top)
	case v.standing != nil:
		o.drawStanding(v, top, now)
	default:
		o.words(image.Pt(o.px(margin), top+o.px(48)), o.px(normalText), o.Canvas.X-2*o.px(margin), colorText, waitingText(v))
	}
	o.words(image.Pt(o.px(margin), o.Canvas.Y-o.px(8)), o.px(smallText), 0, colorFaint, keysText(v))
	figures := fmt.Sprintf("shown %.0f/s   scored %.0f/s   lag %s   dropped %d", v.shownRate, v.scoredRate, lagText(v.lag), v.dropped)
	o.words(image.Pt(o.panelLeft(v), top+o.px(97)), o.px(smallText), 0, colorText, figures)
}

// panelLeft is where the panel's words begin: beside the thumbnail, where there is one.
func (o *overlay) panelLeft(v view) int {
	if v.gallery != nil && !v.gallery.thumbnails {
		return o.px(margin)
	}
	return o.px(margin + thumbnailSide + margin)
}

// drawNote tells, over the panel, why the score means little or what the model
// knows.
func (o *overlay) drawNote(v view) {
	if v.note == "" {
		return
	}
	width := o.Canvas.X - 2*o.px(margin)
	lines := wrap(plain(v.note), o.px(noteText), width)
	bottom := o.Canvas.Y - o.px(panelHeight)
	top := bottom - o.px(noteLine)*len(lines) - o.px(noteGap)
	o.shade(image.Rect(0, top, o.Canvas.X, bottom))
	c := colorText
	if v.doubt {
		c = colorWarn
		o.fill(image.Rect(0, top, o.px(noteEdge), bottom), c)
	}
	for i, line := range lines {
		o.words(image.Pt(o.px(margin), top+o.px(noteLine)*(i+1)), o.px(noteText), width, c, line)
	}
}

// drawStanding tells how the shown reference compares.
func (o *overlay) drawStanding(v view, top int, now time.Time) {
	s := v.standing
	o.drawThumbnail(s.Reference, top)
	left, lineLeft := o.panelLeft(v), o.Canvas.X-o.px(210)
	width := lineLeft - left - o.px(margin)
	c := verdictColor(s)
	o.words(image.Pt(left, top+o.px(24)), o.px(largeText), width, c, fmt.Sprintf("%.2f %s", s.Similarity, verdictWord(s)))
	o.words(image.Pt(left, top+o.px(44)), o.px(smallText), width, colorText, referenceText(v))
	o.drawBar(image.Rect(left, top+o.px(54), left+width, top+o.px(54+barHeight)), s, c)
	if v.model != "" {
		o.words(image.Pt(left, top+o.px(80)), o.px(smallText), width, colorText, "by "+v.model)
	}
	o.drawLine(image.Rect(lineLeft, top+o.px(10), o.Canvas.X-o.px(margin), top+o.px(62)), s, c, now)
	o.words(image.Pt(lineLeft, top+o.px(78)), o.px(smallText), 0, colorFaint, fmt.Sprintf("smoothed %.2f, 2 s", s.Smoothed))
}

// drawThumbnail shows a reference's picture at the panel's left.
func (o *overlay) drawThumbnail(name string, top int) {
	corner := image.Pt(o.px(margin), top+o.px(8))
	o.Shapes = append(o.Shapes, Shape{
		Kind: Thumbnail, Text: name,
		Rect: image.Rectangle{Min: corner, Max: corner.Add(image.Pt(o.px(thumbnailSide), o.px(thumbnailSide)))},
	})
}

// drawBar shows the similarity as a length, with a tick at the threshold.
func (o *overlay) drawBar(r image.Rectangle, s *standing, c color.RGBA) {
	o.fill(r, colorTrack)
	o.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+along(r.Dx(), s.Similarity), r.Max.Y), c)
	tick := r.Min.X + along(r.Dx(), s.Threshold)
	o.path(colorText, 2, image.Pt(tick, r.Min.Y-o.px(3)), image.Pt(tick, r.Max.Y+o.px(3)))
}

// drawLine shows the smoothed score of the last two seconds, now at the right,
// and the threshold across.
func (o *overlay) drawLine(r image.Rectangle, s *standing, c color.RGBA, now time.Time) {
	o.fill(r, colorTrack)
	height := r.Max.Y - along(r.Dy(), s.Threshold)
	o.path(colorFaint, 1, image.Pt(r.Min.X, height), image.Pt(r.Max.X, height))
	var points []image.Point
	for _, sample := range s.history.since(now) {
		part := 1 - now.Sub(sample.at).Seconds()/historySpan.Seconds()
		points = append(points, image.Pt(r.Min.X+along(r.Dx(), part), r.Max.Y-along(r.Dy(), sample.smoothed)))
	}
	if len(points) > 1 {
		o.path(c, 2, points...)
	}
}

// along is a part, 0 to 1, of a length.
func along(length int, part float64) int {
	return int(float64(length)*min(max(part, 0), 1) + 0.5)
}

func verdictColor(s *standing) color.RGBA {
	switch {
	case s.stale:
		return colorFaint
	case s.Doubt != "":
		return colorWarn
	case s.Same:
		return colorSame
	}
	return colorOther
}

func verdictWord(s *standing) string {
	word := "different"
	if s.Same {
		word = "same"
	}
	switch {
	case s.stale:
		return "(old)"
	case s.Doubt != "":
		return word + "?" // the note says why
	}
	return word
}

func referenceText(v view) string {
	how := "best of"
	if v.chosen {
		how = "chosen from"
	}
	if v.references == 1 {
		return fmt.Sprintf("%s, same from %.2f", v.standing.Reference, v.standing.Threshold)
	}
	return fmt.Sprintf("%s, %s %d, same from %.2f", v.standing.Reference, how, v.references, v.standing.Threshold)
}

func waitingText(v view) string {
	if v.gallery != nil {
		return v.gallery.waitingText()
	}
	if v.references == 0 {
		return "no reference yet: r takes the region as one"
	}
	return "no score yet"
}

func keysText(v view) string {
	if v.gallery != nil {
		return galleryHelpLine
	}
	return helpLine
}

func lagText(lag time.Duration) string {
	if lag <= 0 {
		return "-"
	}
	return fmt.Sprintf("%d ms", lag.Milliseconds())
}
