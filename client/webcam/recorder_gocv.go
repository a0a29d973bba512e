//go:build gocv

package webcam

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// OpenRecorder begins a video file, of the codec that goes with its ending. The
// caller closes it, and the file is complete only then.
func OpenRecorder(path string, size image.Point, perSecond float64) (Recorder, error) {
	codecs, err := VideoCodecs(path)
	if err != nil {
		return nil, err
	}
	for _, codec := range codecs {
		video, err := gocv.VideoWriterFile(path, codec, perSecond, size.X, size.Y, true)
		if err == nil && video.IsOpened() {
			return &videoFile{video: video, size: size, path: path}, nil
		}
		if video != nil {
			_ = video.Close() // it is not open
		}
	}
	return nil, fmt.Errorf("recording %q: it can't be written; is its folder there?", path)
}

type videoFile struct {
	video *gocv.VideoWriter
	size  image.Point
	path  string
}

// Write implements Recorder.
func (v *videoFile) Write(picture Picture) error {
	if picture.Size() != v.size {
		return fmt.Errorf("recording %q: received a picture of %v, expected %v", v.path, picture.Size(), v.size)
	}
	pixels, err := pixelsOf(picture)
	if err != nil {
		return fmt.Errorf("recording %q: %w", v.path, err)
	}
	return v.video.Write(pixels)
}

// Close implements Recorder.
func (v *videoFile) Close() error {
	return v.video.Close()
}
