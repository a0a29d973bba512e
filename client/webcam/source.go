package webcam

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"siamese/client"
)

// SourceKind is what pictures come from.
type SourceKind int

// The kinds of sources.
const (
	// Camera is a camera of this machine, by its number.
	Camera SourceKind = iota
	// File is a video or image file; it is played at its own rate.
	File
	// Sequence is numbered image files, such as img_%03d.png.
	Sequence
	// Pipeline is a GStreamer pipeline that ends in appsink; it keeps the time
	// itself.
	Pipeline
	// Address is a network camera, such as rtsp://….
	Address
)

// SourceName says where pictures come from.
type SourceName struct {
	Kind SourceKind
	// Device is the camera's number, from 0; for Camera only.
	Device int
	// Text is what was given.
	Text string
}

// ParseSource tells what a source is: a number is a camera, a text with "!" a
// pipeline, one with "://" an address, one with "%" a sequence, all else a file.
// An error says that a file is not there.
func ParseSource(text string) (SourceName, error) {
	name := SourceName{Text: text}
	if device, err := strconv.Atoi(text); err == nil {
		if device < 0 {
			return name, fmt.Errorf("camera %d: want a number from 0", device)
		}
		name.Kind, name.Device = Camera, device
		return name, nil
	}
	switch {
	case strings.Contains(text, "!"):
		name.Kind = Pipeline
	case strings.Contains(text, "://"):
		name.Kind = Address
	case strings.Contains(text, "%"):
		name.Kind = Sequence
	default:
		name.Kind = File
		info, err := os.Stat(text)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return name, fmt.Errorf("source %q: there is no such file", text)
		case err != nil:
			return name, fmt.Errorf("source %q: %w", text, err)
		case info.IsDir():
			return name, fmt.Errorf("source %q: it is a folder; want a file, or numbered files such as %s/img_%%03d.png", text, text)
		}
	}
	return name, nil
}

// Live reports whether the source has no end of its own: then the end of its
// pictures is a failure.
func (n SourceName) Live() bool {
	return n.Kind == Camera || n.Kind == Address
}

// String names the source for a person.
func (n SourceName) String() string {
	if n.Kind == Camera {
		return fmt.Sprintf("camera %d", n.Device)
	}
	return fmt.Sprintf("source %q", n.Text)
}

// Repeat returns a source that opens another one at the end of each. Read returns
// the errors of opening.
func Repeat(open func() (Source, error)) (Source, error) {
	first, err := open()
	if err != nil {
		return nil, err
	}
	return &repeated{open: open, source: first}, nil
}

type repeated struct {
	open   func() (Source, error)
	source Source // nil after a failed opening
}

// Read implements Source.
func (r *repeated) Read() (Picture, error) {
	if r.source == nil {
		return nil, io.EOF
	}
	picture, err := r.source.Read()
	if !errors.Is(err, io.EOF) {
		return picture, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if r.source, err = r.open(); err != nil {
		return nil, err
	}
	return r.source.Read()
}

// Rate implements Source.
func (r *repeated) Rate() float64 {
	if r.source == nil {
		return 0
	}
	return r.source.Rate()
}

// Close implements Source.
func (r *repeated) Close() error {
	if r.source == nil {
		return nil
	}
	source := r.source
	r.source = nil
	return source.Close()
}

// ReadReferences reads image files as references named as the files are; a name
// that is there already gets a number. Whether a file is an image the server
// finds out. Errors name the file.
func ReadReferences(paths []string) ([]client.Reference, error) {
	references := make([]client.Reference, 0, len(paths))
	taken := make(map[string]bool)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		if len(data) == 0 {
			return nil, fmt.Errorf("reference: %s is empty", path)
		}
		name := freeName(filepath.Base(path), taken)
		taken[name] = true
		references = append(references, client.Reference{Name: name, Image: data})
	}
	return references, nil
}

func freeName(name string, taken map[string]bool) string {
	free := name
	for number := 2; taken[free]; number++ {
		free = fmt.Sprintf("%s (%d)", name, number)
	}
	return free
}
