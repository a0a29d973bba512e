package record

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

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

// encode returns the event as an Event message.
func (e event) encode() []byte {
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
		b = appendBytes(b, fieldEventSummary, appendBytes(nil, fieldSummaryValue, e.encodeValue()))
	}
	return b
}

// encodeValue returns the tag with its scalar or image as a Summary.Value message.
func (e event) encodeValue() []byte {
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
