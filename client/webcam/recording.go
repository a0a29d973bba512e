package webcam

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"
)

// recording writes pictures at a constant rate, as video files want it: one that
// comes late is written as often as it was to be seen, one too many is left out.
type recording struct {
	recorder  Recorder
	perSecond float64
	begin     time.Time
	written   int64
}

// maxRepeat is the most times that one picture is written. After a longer gap
// (a pause, a camera that hung) the recording goes on without it.
const maxRepeat = 15

// write appends the picture that is shown at a time.
func (r *recording) write(picture Picture, at time.Time) error {
	if r.begin.IsZero() {
		r.begin = at
	}
	due := int64(math.Round(at.Sub(r.begin).Seconds()*r.perSecond)) + 1 - r.written
	if due > maxRepeat {
		due = 1
		r.begin = at.Add(-time.Duration(float64(r.written) / r.perSecond * float64(time.Second)))
	}
	for ; due > 0; due-- {
		if err := r.recorder.Write(picture); err != nil {
			return err
		}
		r.written++
	}
	return nil
}

// VideoCodecs are the four-letter codes to try for a video file, by its ending,
// the best first. An error names the endings that there are.
func VideoCodecs(path string) ([]string, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".mp4", ".mkv":
		return []string{"avc1", "mp4v"}, nil // H.264 where OpenCV has it, as browsers play it
	case ".avi":
		return []string{"MJPG"}, nil
	}
	return nil, fmt.Errorf("recording %q: want a file that ends in .mp4, .mkv or .avi", path)
}
