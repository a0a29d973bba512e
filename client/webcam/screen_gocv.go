//go:build gocv

package webcam

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// OpenCV's mouse events that draw a rectangle.
const (
	mouseMove = 0
	mouseDown = 1 // the left button
	mouseUp   = 4
)

// barsHeight is what the tool bar and the status bar of OpenCV's Qt windows take
// of a window, in pixels; without them on top the picture would be shrunk.
const barsHeight = 54

// OpenScreen opens a window with a title. It locks the goroutine to its thread:
// all calls come from the same goroutine, the program's first one on some
// systems. Where there is no display OpenCV ends the program: see CheckDisplay.
// The caller closes it.
func OpenScreen(title string) Screen {
	s := &window{window: gocv.NewWindow(title)}
	s.window.SetMouseHandler(func(event, x, y, _ int, _ any) { s.mouse(event, image.Pt(x, y)) }, nil)
	return s
}

type window struct {
	window *gocv.Window
	size   image.Point // of what is shown
	closed bool        // by the user
	down   *image.Point
	events []Event
}

// Show implements Screen.
func (w *window) Show(picture Picture) error {
	pixels, err := pixelsOf(picture)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	if w.closed {
		return nil // OpenCV would open another window
	}
	if err := w.window.IMShow(pixels); err != nil {
		return fmt.Errorf("show: %w", err)
	}
	if size := picture.Size(); size != w.size {
		w.size = size
		return w.window.ResizeWindow(size.X, size.Y+barsHeight)
	}
	return nil
}

// Poll implements Screen.
func (w *window) Poll() []Event {
	w.events = w.events[:0]
	if key := w.window.WaitKey(1); key > 0 {
		w.events = append(w.events, Event{Key: rune(key & 0xff)})
	}
	if w.window.GetWindowProperty(gocv.WindowPropertyVisible) < 1 {
		w.closed = true
		w.events = append(w.events, Event{Closed: true})
	}
	return w.events
}

// mouse is called by OpenCV within WaitKey.
func (w *window) mouse(event int, at image.Point) {
	switch event {
	case mouseDown:
		w.down = &at
	case mouseMove:
		if w.down != nil {
			w.events = append(w.events, Event{Drag: image.Rectangle{Min: *w.down, Max: at}.Canon()})
		}
	case mouseUp:
		if w.down != nil {
			w.events = append(w.events, Event{Drag: image.Rectangle{Min: *w.down, Max: at}.Canon(), DragEnded: true})
		}
		w.down = nil
	}
}

// Close implements Screen.
func (w *window) Close() error {
	return w.window.Close()
}
