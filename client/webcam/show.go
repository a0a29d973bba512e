package webcam

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"siamese/client"
)

// keyEscape is what a window gives for the Escape key.
const keyEscape = 27

// draw paints the present picture with the overlay, shows it, and records it
// where it is a new one.
func (l *loop) draw(now time.Time, fresh bool) error {
	if l.present == nil || l.config.Screen == nil && l.config.Record == nil {
		return nil
	}
	l.drawnAt = now
	canvas, err := l.paint(now)
	if err != nil {
		return err
	}
	if l.config.Screen != nil {
		err = l.config.Screen.Show(canvas)
	}
	if fresh && l.config.Record != nil && err == nil {
		err = l.record(canvas, now)
	}
	return errors.Join(err, canvas.Close())
}

// paint gives the present picture with the overlay. The caller closes it.
func (l *loop) paint(now time.Time) (Picture, error) {
	link, linked := l.board.link(now)
	shown := l.board.shown(now)
	note, doubt := l.note(shown, now)
	v := view{
		fit: l.fit, region: l.region, dragging: l.dragging,
		standing: shown, note: note, doubt: doubt, chosen: l.board.chosen != "", references: len(l.board.names), model: l.modelShown(shown),
		gallery: l.board.galleryView(now),
		link:    link, linked: linked, paused: l.paused,
		shownRate: l.shownRate.perSecond(now), scoredRate: l.board.scored.perSecond(now),
		lag: l.board.lag, dropped: l.dropped(),
	}
	if now.Sub(l.messageAt) < messageSpan {
		v.message = l.message
	}
	return l.config.Painter.Paint(l.present, layOut(v, now))
}

func (l *loop) record(canvas Picture, now time.Time) error {
	if l.recording == nil {
		perSecond := l.rate
		if perSecond <= 0 {
			perSecond = defaultRate
		}
		recorder, err := l.config.Record(canvas.Size(), perSecond)
		if err != nil {
			return err
		}
		l.recording = &recording{recorder: recorder, perSecond: perSecond}
	}
	return l.recording.write(canvas, now)
}

// poll does what the user asks for.
func (l *loop) poll() error {
	if l.config.Screen == nil {
		return nil
	}
	for _, event := range l.config.Screen.Poll() {
		if event.Closed {
			l.quit = true
			return nil
		}
		l.drag(event)
		if err := l.key(event.Key); err != nil {
			return err
		}
	}
	return nil
}

// drag makes what the mouse draws the region.
func (l *loop) drag(event Event) {
	if event.Drag.Empty() && !event.DragEnded {
		return
	}
	l.dragging = event.Drag
	if !event.DragEnded {
		return
	}
	l.dragging = image.Rectangle{}
	if l.present == nil {
		return
	}
	region, ok := dragged(l.fit.toPicture(event.Drag), l.present.Size())
	if !ok {
		return // a click, or a slip of the hand
	}
	if l.setRegion(region) == nil {
		l.say("region " + region.String())
	}
}

func (l *loop) key(key rune) error {
	switch key {
	case 'q', keyEscape:
		l.quit = true
	case 'p':
		l.paused = !l.paused
		l.capture.setPaused(l.paused)
	case 'n':
		if l.board.gallery == nil {
			l.board.next()
		}
	case 'r':
		return l.takeReference()
	case 's':
		return l.snapshot()
	case 'c':
		if l.present != nil {
			return l.setRegion(l.config.Region)
		}
	}
	return nil
}

// takeReference makes the region of the present picture a reference, without
// loss.
func (l *loop) takeReference() error {
	taker, ok := l.config.Scorer.(ReferenceTaker)
	if !ok {
		l.say("a gallery takes no references")
		return nil
	}
	if l.present == nil {
		return nil
	}
	data, err := l.present.Encode(l.region, Encoding{ShorterSide: l.config.Encoding.ShorterSide})
	if err != nil {
		return err
	}
	l.taken++
	name := fmt.Sprintf("taken %d", l.taken)
	if err := taker.SetReference(client.Reference{Name: name, Image: data}); err != nil {
		l.say(err.Error())
		return nil
	}
	l.config.Painter.SetThumbnail(name, data)
	l.board.addReference(name)
	l.say("took reference " + name)
	return nil
}

// snapshot writes the canvas to a new file. That a disk is full is told, and
// ends nothing.
func (l *loop) snapshot() error {
	if l.present == nil {
		return nil
	}
	canvas, err := l.paint(time.Now())
	if err != nil {
		return err
	}
	data, err := canvas.Encode(image.Rectangle{Max: canvas.Size()}, Encoding{})
	if err = errors.Join(err, canvas.Close()); err != nil {
		return err
	}
	path, err := writeNew(l.config.Snapshots, data)
	if err != nil {
		l.say("snapshot: " + err.Error())
		return nil
	}
	l.say("wrote " + path)
	return nil
}

// writeNew writes a file that was not there before and gives its path.
func writeNew(folder string, data []byte) (string, error) {
	stamp := time.Now().Format("20060102-150405.000")
	path := filepath.Join(folder, "siamese-webcam-"+stamp+".png")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	return path, errors.Join(err, file.Close())
}

// say tells the user something, on the screen.
func (l *loop) say(message string) {
	l.message, l.messageAt = message, time.Now()
}
