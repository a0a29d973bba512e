package record

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxEventFiles bounds the event files of one folder that begin in one second.
const maxEventFiles = 1000

// Events writes one event file that TensorBoard reads, a whole event a write.
// It is not safe for concurrent use. Close it.
type Events struct {
	file *os.File
	now  func() time.Time
}

// NewEvents begins a new event file in the folder. TensorBoard reads all event
// files of a folder as one run, in the order of their times; what earlier ones
// hold at steps later than done is told to be void.
func NewEvents(dir string, done int64, now func() time.Time) (*Events, error) {
	file, err := createEventFile(dir, now())
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	e := &Events{file: file, now: now}
	err = e.write(event{version: eventVersion})
	if err == nil && done > 0 {
		err = e.write(event{step: done + 1, start: true})
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return e, nil
}

// createEventFile never takes a file that is there already.
func createEventFile(dir string, now time.Time) (*os.File, error) {
	for i := range maxEventFiles {
		name := fmt.Sprintf("events.out.tfevents.%010d.siamese.%03d", now.Unix(), i)
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
	return nil, fmt.Errorf("%d event files of second %d are in %q, expected fewer", maxEventFiles, now.Unix(), dir)
}

// Scalar adds one number, kept as float32.
func (e *Events) Scalar(step int64, tag string, value float64) error {
	if tag == "" {
		return errors.New("events: a scalar has no tag, expected one")
	}
	return e.write(event{step: step, tag: tag, scalar: float32(value)})
}

// Image adds one picture, given as PNG.
func (e *Events) Image(step int64, tag string, encoded []byte) error {
	if tag == "" {
		return errors.New("events: an image has no tag, expected one")
	}
	config, err := png.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("events: image %q: received %d bytes, expected a PNG: %w", tag, len(encoded), err)
	}
	return e.write(event{step: step, tag: tag, image: &eventImage{config.Width, config.Height, encoded}})
}

func (e *Events) write(event event) error {
	event.time = e.now()
	if _, err := e.file.Write(appendRecord(nil, event.encode())); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return nil
}

// Close brings the file to the disk.
func (e *Events) Close() error {
	if err := errors.Join(e.file.Sync(), e.file.Close()); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return nil
}
