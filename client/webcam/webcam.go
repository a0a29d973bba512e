// Package webcam shows a camera's pictures, or a file's, with the similarity of
// each to given references, or with the best things of a gallery, as a server scores
// them.
//
// Three things run beside each other and none waits for another: the source is
// read at its own rate, the newest picture is shown and offered to the server,
// and scores come back when they come. Whatever is slow, the newest picture
// wins and the ones between are counted as dropped.
//
// The loop and all arithmetic are plain Go. What touches OpenCV (cameras,
// windows, drawing, video files) stands behind the build tag gocv.
package webcam

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"siamese/client"
)

// ErrRegion is a region that no picture has, or that the present one has not.
var ErrRegion = errors.New("bad region")

// Picture is a picture in memory, 8 bits a channel, in colour. The caller that
// was given it owns and closes it; it is not safe for concurrent use.
type Picture interface {
	// Size is columns and rows, in pixels.
	Size() image.Point
	// Encode cuts the region out, shrinks it where encoding says so, and gives it
	// as an image file. The region lies within the picture.
	Encode(region image.Rectangle, encoding Encoding) ([]byte, error)
	// Close frees the pixels.
	Close() error
}

// Source gives pictures. One goroutine reads and closes it.
type Source interface {
	// Read waits for the next picture. Errors: io.EOF where there is an end and it
	// was reached, else what went wrong, in words for a person.
	Read() (Picture, error)
	// Rate is how many pictures a second there are; 0 where Read itself keeps the
	// time, as a camera does.
	Rate() float64
	// Close ends it.
	Close() error
}

// Painter draws. It keeps the thumbnails of references.
type Painter interface {
	// Paint gives a new picture of the drawing's size: the given one scaled to
	// where the drawing wants it, and the shapes over it. The caller closes it.
	Paint(picture Picture, drawing Drawing) (Picture, error)
	// SetThumbnail takes an encoded image to show under a reference's name; nil forgets
	// it. An image that can't be decoded here is shown as an empty frame.
	SetThumbnail(name string, encoded []byte)
	// Close frees the thumbnails.
	Close() error
}

// Screen is a window. All calls come from the goroutine that made it.
type Screen interface {
	// Show replaces what the window shows; the picture stays the caller's.
	Show(picture Picture) error
	// Poll handles the window's events, for a millisecond or so, and gives those
	// that matter here.
	Poll() []Event
	// Close closes the window.
	Close() error
}

// Recorder writes a video file.
type Recorder interface {
	// Write appends a picture; it stays the caller's. All have the same size.
	Write(picture Picture) error
	// Close completes the file.
	Close() error
}

// Scorer has pictures scored; *client.Live and *client.LiveGallery are such. Its methods
// never wait for the network.
type Scorer interface {
	Offer(frame client.Frame)
	Updates() <-chan client.Update
	Stats() client.Stats
}

// ReferenceTaker is a Scorer to which references can be added, as *client.Live is.
type ReferenceTaker interface {
	SetReference(reference client.Reference) error
}

// Event is something that the user did to the window.
type Event struct {
	// Key is the key that was pressed, 0 where none was; 27 is Escape.
	Key rune
	// Drag is the rectangle that the mouse draws, on what the window shows; empty
	// where it draws none.
	Drag image.Rectangle
	// DragEnded says that the mouse button was let go, and Drag is the end result.
	DragEnded bool
	// Closed says that the window was closed.
	Closed bool
}

// Encoding is how a picture becomes an image file.
type Encoding struct {
	// ShorterSide is the pixels that the shorter side of larger pictures is shrunk
	// to. From twice as many on they are shrunk by a whole number, so that it keeps
	// up to half as many more. 0: as it is.
	ShorterSide int
	// JPEGQuality is 1 to 100. 0: a PNG, without loss.
	JPEGQuality int
}

// defaultRate is the pictures a second of a recording where the source tells no
// rate.
const defaultRate = 30

// Config is what a run needs. Run closes nothing of it but Source and what
// Record opens.
type Config struct {
	// Source gives the pictures. Required.
	Source Source
	// Scorer has them scored. Required.
	Scorer Scorer
	// Painter draws the overlay. Required with Screen or Record.
	Painter Painter
	// Screen is the window. Nil: there is none.
	Screen Screen
	// Record opens a video file for pictures of a size. Nil: nothing is recorded.
	Record func(size image.Point, perSecond float64) (Recorder, error)
	// Reporters are told what happens.
	Reporters []Reporter

	// Model is the model that Scorer was asked for, as in client.LiveConfig. Empty: the
	// server's default.
	Model string
	// ServerInfo is client.Client's: it is asked what the model is once a stream
	// begins. It is called in a goroutine of its own, which Run waits for. Nil: nothing
	// is told of the model but its name.
	ServerInfo func(ctx context.Context, model string) (client.ServerInfo, error)

	// References are what the Scorer was given to begin with. One that the server
	// does not take ends the run.
	References []client.Reference
	// Gallery is the name of the gallery that Scorer, a *client.LiveGallery, searches;
	// References and Model are empty then. One that can't be used when the server is asked
	// for the first time ends the run. Empty: Scorer compares with references.
	Gallery string
	// Region is the part that is scored.
	Region Region
	// Encoding is how that part is sent.
	Encoding Encoding
	// ConnectTimeout is how long to go on without a stream before giving up. 0:
	// for ever.
	ConnectTimeout time.Duration
	// Snapshots is the folder of snapshots. Empty: the current one.
	Snapshots string
}

// Validate tells which field is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Source == nil:
		return errors.New("webcam: received no Config.Source, expected one")
	case c.Scorer == nil:
		return errors.New("webcam: received no Config.Scorer, expected one")
	case c.Painter == nil && (c.Screen != nil || c.Record != nil):
		return errors.New("webcam: received no Config.Painter, expected one for a screen or a recording")
	case c.Gallery != "" && len(c.References) > 0:
		return fmt.Errorf("webcam: received Config.Gallery %q and %d Config.References, expected one of the two", c.Gallery, len(c.References))
	case c.Encoding.JPEGQuality < 0 || c.Encoding.JPEGQuality > 100:
		return fmt.Errorf("webcam: received Config.Encoding.JPEGQuality %d, expected 1 to 100, or 0 for PNG", c.Encoding.JPEGQuality)
	case c.Encoding.ShorterSide < 0:
		return fmt.Errorf("webcam: received Config.Encoding.ShorterSide %d, expected 1 or more, or 0 for no shrinking", c.Encoding.ShorterSide)
	case c.ConnectTimeout < 0:
		return fmt.Errorf("webcam: received Config.ConnectTimeout %v, expected 0 (for ever) or more", c.ConnectTimeout)
	}
	return nil
}
