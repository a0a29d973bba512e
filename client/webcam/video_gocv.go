//go:build gocv

package webcam

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"io"

	"gocv.io/x/gocv"
)

const (
	// fallbackRate is for files that tell no rate, in pictures a second; numbered
	// image files have none.
	fallbackRate = 25
	// maxRate is the largest rate that is believed.
	maxRate = 240
)

// OpenSource opens a camera, file, sequence, pipeline or address. perSecond
// replaces a file's or sequence's own rate; 0: its own. The caller closes it. A
// source that gives no picture is an error. Pictures in files are decoded as those
// that are compared are, by package imaging; OpenCV decodes films and cameras.
func OpenSource(name SourceName, perSecond float64) (Source, error) {
	if paths := stillPaths(name); len(paths) > 0 {
		return &stillSource{name: name, paths: paths, rate: cmp.Or(max(perSecond, 0), fallbackRate)}, nil
	}
	video, err := open(name)
	if err != nil {
		_ = video.Close() // gocv gives one with an error too
		return nil, openError(name)
	}
	if name.Kind == Camera {
		video.Set(gocv.VideoCaptureBufferSize, 1) // the newest picture, not the oldest
	}
	s := &videoSource{name: name, video: video}
	if name.Kind == File || name.Kind == Sequence {
		s.rate = perSecond
		if s.rate <= 0 {
			s.rate = ownRate(name, video)
		}
	}
	return s, nil
}

func open(name SourceName) (*gocv.VideoCapture, error) {
	switch name.Kind {
	case Camera:
		return gocv.VideoCaptureDevice(name.Device)
	case Pipeline:
		return gocv.VideoCaptureFileWithAPI(name.Text, gocv.VideoCaptureGstreamer)
	case Sequence:
		return gocv.VideoCaptureFileWithAPI(name.Text, gocv.VideoCaptureImages)
	}
	// FFmpeg alone: OpenCV would go on to try GStreamer, which writes complaints of
	// its own to standard error.
	return gocv.VideoCaptureFileWithAPI(name.Text, gocv.VideoCaptureFFmpeg)
}

func openError(name SourceName) error {
	switch name.Kind {
	case Camera:
		return fmt.Errorf("%s: it can't be opened; it is not there (ls /dev/video* lists those that are), or another program has it", name)
	case Pipeline:
		return fmt.Errorf("%s: GStreamer can't run it; it has to end in appsink", name)
	case Sequence:
		return fmt.Errorf("%s: there is no such sequence of image files", name)
	case Address:
		return fmt.Errorf("%s: nothing answers there", name)
	}
	return fmt.Errorf("%s: it is no video or image that OpenCV can read", name)
}

func ownRate(name SourceName, video *gocv.VideoCapture) float64 {
	rate := video.Get(gocv.VideoCaptureFPS)
	if name.Kind == Sequence || !(rate > 0 && rate <= maxRate) { // so that NaN is refused
		return fallbackRate
	}
	return rate
}

type videoSource struct {
	name  SourceName
	video *gocv.VideoCapture
	rate  float64
	read  bool // there was a picture
}

// Read implements Source.
func (s *videoSource) Read() (Picture, error) {
	pixels := gocv.NewMat()
	if !s.video.Read(&pixels) || pixels.Empty() {
		closing(&pixels)
		switch {
		case s.name.Live():
			return nil, fmt.Errorf("%s: no more pictures came from it", s.name)
		case !s.read:
			return nil, fmt.Errorf("%s: there is not a single picture in it", s.name)
		}
		return nil, io.EOF
	}
	s.read = true
	if err := inColor(&pixels); err != nil {
		closing(&pixels)
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return &mat{pixels: pixels}, nil
}

// inColor makes BGR of what else a pipeline or an image file can give.
func inColor(pixels *gocv.Mat) error {
	if pixels.Type()&7 != gocv.MatTypeCV8U { // the depth is in the three lowest bits
		return errors.New("received pictures of more than 8 bits a channel, expected 8")
	}
	switch pixels.Channels() {
	case 3:
		return nil
	case 1:
		return gocv.CvtColor(*pixels, pixels, gocv.ColorGrayToBGR)
	case 4:
		return gocv.CvtColor(*pixels, pixels, gocv.ColorBGRAToBGR)
	}
	return fmt.Errorf("received pictures of %d channels, expected 1, 3 or 4", pixels.Channels())
}

// Rate implements Source.
func (s *videoSource) Rate() float64 {
	return s.rate
}

// Close implements Source.
func (s *videoSource) Close() error {
	return s.video.Close()
}

// stillPaths are the picture files of a source; none where OpenCV is to read it.
func stillPaths(name SourceName) []string {
	switch name.Kind {
	case File:
		if still, perhapsFilm := stillKind(name.Text); still && (!perhapsFilm || !isFilm(name)) {
			return []string{name.Text}
		}
	case Sequence:
		paths := numbered(name.Text)
		if len(paths) == 0 {
			return nil
		}
		if still, _ := stillKind(paths[0]); still {
			return paths
		}
	}
	return nil
}

// isFilm reports whether OpenCV finds a second picture in a file.
func isFilm(name SourceName) bool {
	video, err := open(name)
	defer func() { _ = video.Close() }() // gocv gives one with an error too
	if err != nil {
		return false
	}
	pixels := gocv.NewMat()
	defer closing(&pixels)
	first := video.Read(&pixels)
	return first && video.Read(&pixels)
}

// stillSource gives the pictures of files, one by one.
type stillSource struct {
	name  SourceName
	paths []string
	rate  float64
	next  int
}

// Read implements Source.
func (s *stillSource) Read() (Picture, error) {
	if s.next == len(s.paths) {
		return nil, io.EOF
	}
	still, err := readStill(s.paths[s.next])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	s.next++
	pixels, err := matOf(still)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return &mat{pixels: pixels}, nil
}

// Rate implements Source.
func (s *stillSource) Rate() float64 { return s.rate }

// Close implements Source.
func (s *stillSource) Close() error { return nil }

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
