package webcam

import (
	"errors"
	"fmt"
	"image"
	"time"

	"siamese/client"
)

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

	// References are what the Scorer was given to begin with. One that the server
	// does not take ends the run.
	References []client.Reference
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
	case c.Encoding.JPEGQuality < 0 || c.Encoding.JPEGQuality > 100:
		return fmt.Errorf("webcam: received Config.Encoding.JPEGQuality %d, expected 1 to 100, or 0 for PNG", c.Encoding.JPEGQuality)
	case c.Encoding.ShorterSide < 0:
		return fmt.Errorf("webcam: received Config.Encoding.ShorterSide %d, expected 1 or more, or 0 for no shrinking", c.Encoding.ShorterSide)
	case c.ConnectTimeout < 0:
		return fmt.Errorf("webcam: received Config.ConnectTimeout %v, expected 0 (for ever) or more", c.ConnectTimeout)
	}
	return nil
}
