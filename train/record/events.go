package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
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
// files of a folder as one run, in the order of their times; a mark makes void what
// earlier ones hold at steps later than done.
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
	if _, err := e.file.Write(appendRecord(nil, event.marshal())); err != nil {
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

// eventVersion opens every event file.
const eventVersion = "brain.Event:2"

// The numbers of the fields that are written, of tensorflow/core/util/event.proto
// and tensorflow/core/framework/summary.proto. The few that a run needs are
// encoded here, since those packages come with TensorFlow's library only.
const (
	fieldEventTime       protowire.Number = 1 // double, seconds since 1970
	fieldEventStep       protowire.Number = 2 // int64
	fieldEventVersion    protowire.Number = 3 // string
	fieldEventSummary    protowire.Number = 5 // Summary
	fieldEventSession    protowire.Number = 7 // SessionLog
	fieldSessionStatus   protowire.Number = 1 // enum
	fieldSummaryValue    protowire.Number = 1 // repeated Summary.Value
	fieldValueTag        protowire.Number = 1 // string
	fieldValueScalar     protowire.Number = 2 // float
	fieldValueImage      protowire.Number = 4 // Summary.Image
	fieldImageHeight     protowire.Number = 1 // int32, pixels
	fieldImageWidth      protowire.Number = 2 // int32, pixels
	fieldImageColorspace protowire.Number = 3 // int32, channels
	fieldImageEncoded    protowire.Number = 4 // bytes
)

const (
	sessionStart  = 1 // SessionLog.START: what was written at this step or later is void
	colorspaceRGB = 3
)

// event is one record of an event file: the version, a session's start, a
// scalar or an image.
type event struct {
	time    time.Time
	step    int64
	version string      // "" in all but the first event
	start   bool        // a session goes on from step
	tag     string      // "" where there is no value
	image   *eventImage // nil where the value is the scalar
	scalar  float32
}

type eventImage struct {
	width, height int
	png           []byte
}

// marshal returns the event as an Event message.
func (e event) marshal() []byte {
	var b []byte
	b = protowire.AppendTag(b, fieldEventTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(float64(e.time.UnixMicro())/1e6))
	b = appendInt(b, fieldEventStep, e.step)
	if e.version != "" {
		b = appendBytes(b, fieldEventVersion, []byte(e.version))
	}
	if e.start {
		b = appendBytes(b, fieldEventSession, appendInt(nil, fieldSessionStatus, sessionStart))
	}
	if e.tag != "" {
		b = appendBytes(b, fieldEventSummary, appendBytes(nil, fieldSummaryValue, e.marshalValue()))
	}
	return b
}

// marshalValue returns the tag with its scalar or image as a Summary.Value message.
func (e event) marshalValue() []byte {
	value := appendBytes(nil, fieldValueTag, []byte(e.tag))
	if e.image == nil {
		value = protowire.AppendTag(value, fieldValueScalar, protowire.Fixed32Type)
		return protowire.AppendFixed32(value, math.Float32bits(e.scalar))
	}
	picture := appendInt(nil, fieldImageHeight, int64(e.image.height))
	picture = appendInt(picture, fieldImageWidth, int64(e.image.width))
	picture = appendInt(picture, fieldImageColorspace, colorspaceRGB)
	picture = appendBytes(picture, fieldImageEncoded, e.image.png)
	return appendBytes(value, fieldValueImage, picture)
}

func appendInt(b []byte, field protowire.Number, value int64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(value))
}

func appendBytes(b []byte, field protowire.Number, value []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, value)
}

// castagnoli is the polynomial of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends data in TFRecord framing, all little-endian: length
// (uint64), masked checksum of those 8 bytes, data, masked checksum of the data
// (tensorflow/core/lib/io/record_writer.h).
func appendRecord(to, data []byte) []byte {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(data)))
	to = append(to, length[:]...)
	to = binary.LittleEndian.AppendUint32(to, maskedChecksum(length[:]))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, maskedChecksum(data))
}

// maskedChecksum is the CRC-32C, rotated and shifted: a checksum over data that
// holds checksums itself would be weak (tensorflow/core/lib/hash/crc32c.h).
func maskedChecksum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
