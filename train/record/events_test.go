package record_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/summary_go_proto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"siamese/train/record"
)

// parsedEvent is an event as read back; the summary through TensorFlow's own
// generated code.
type parsedEvent struct {
	Seconds float64
	Step    int64
	Version string
	Session []byte
	Tag     string
	Scalar  float32
	Image   []int32 // height, width, channels
	Bytes   int     // of the image's PNG
}

func TestEventsReadBack(t *testing.T) {
	dir := t.TempDir()
	events, err := record.NewEvents(dir, 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	picture := encodePNG(t, image.NewRGBA(image.Rect(0, 0, 7, 5)))
	if err := errors.Join(
		events.Scalar(1, "loss", 0.25),
		events.Scalar(300, "loss", math.Inf(1)),
		events.Image(300, "pairs", picture),
		events.Close()); err != nil {
		t.Fatal(err)
	}
	seconds := float64(noon().Unix())
	want := []parsedEvent{
		{Seconds: seconds, Version: "brain.Event:2"},
		{Seconds: seconds, Step: 1, Tag: "loss", Scalar: 0.25},
		{Seconds: seconds, Step: 300, Tag: "loss", Scalar: float32(math.Inf(1))},
		{Seconds: seconds, Step: 300, Tag: "pairs", Image: []int32{5, 7, 3}, Bytes: len(picture)},
	}
	if diff := cmp.Diff(want, readEvents(t, dir, 0)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEventsOfAResumedRunVoidLaterOnes(t *testing.T) {
	dir := t.TempDir()
	for _, done := range []int64{0, 40} {
		events, err := record.NewEvents(dir, done, noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := events.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := readEvents(t, dir, 0); len(got) != 1 {
		t.Errorf("the first attempt wrote %d events, want the version alone", len(got))
	}
	// SessionLog{status: START} at the first step that is repeated.
	want := parsedEvent{Seconds: float64(noon().Unix()), Step: 41, Session: []byte{1 << 3, 1}}
	if diff := cmp.Diff(want, readEvents(t, dir, 1)[1]); diff != "" {
		t.Errorf("the second attempt's second event (-want +got):\n%s", diff)
	}
}

func TestEventsRefuse(t *testing.T) {
	events, err := record.NewEvents(t.TempDir(), 0, noon)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, events.Scalar(1, "", 1), "a scalar has no tag")
	wantError(t, events.Image(1, "", nil), "an image has no tag")
	wantError(t, events.Image(1, "pairs", []byte("GIF89a")), `image "pairs": received 6 bytes, expected a PNG`)
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, events.Scalar(1, "loss", 1), "file already closed")
	_, err = record.NewEvents(filepath.Join(t.TempDir(), "missing"), 0, noon)
	wantError(t, err, "no such file")
}

// readEvents parses the folder's event file of that number, by name, and checks
// every length and checksum.
func readEvents(t *testing.T, dir string, number int) []parsedEvent {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || number >= len(paths) {
		t.Fatalf("event files = %v, %v, want more than %d", paths, err, number)
	}
	content, err := os.ReadFile(paths[number])
	if err != nil {
		t.Fatal(err)
	}
	var events []parsedEvent
	for len(content) > 0 {
		length := int(binary.LittleEndian.Uint64(content))
		checkSum(t, content[:8], content[8:12])
		checkSum(t, content[12:12+length], content[12+length:16+length])
		events = append(events, parseEvent(t, content[12:12+length]))
		content = content[16+length:]
	}
	return events
}

// checkSum undoes the mask and compares with the checksum of the data.
func checkSum(t *testing.T, data, masked []byte) {
	t.Helper()
	rotated := binary.LittleEndian.Uint32(masked) - 0xa282ead8
	got := rotated>>17 | rotated<<15
	if want := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)); got != want {
		t.Errorf("checksum = %#x, want %#x", got, want)
	}
}

func parseEvent(t *testing.T, message []byte) parsedEvent {
	t.Helper()
	var event parsedEvent
	for len(message) > 0 {
		field, wire, n := protowire.ConsumeTag(message)
		size := protowire.ConsumeFieldValue(field, wire, message[max(n, 0):])
		if n < 0 || size < 0 {
			t.Fatalf("event %x is no protobuf message", message)
		}
		value := message[n : n+size]
		message = message[n+size:]
		switch field {
		case 1:
			bits, _ := protowire.ConsumeFixed64(value)
			event.Seconds = math.Float64frombits(bits)
		case 2:
			step, _ := protowire.ConsumeVarint(value)
			event.Step = int64(step)
		case 3:
			event.Version, _ = protowire.ConsumeString(value)
		case 5:
			summary, _ := protowire.ConsumeBytes(value)
			parseSummary(t, summary, &event)
		case 7:
			event.Session, _ = protowire.ConsumeBytes(value)
		default:
			t.Errorf("event has field %d, want none such", field)
		}
	}
	return event
}

func parseSummary(t *testing.T, message []byte, event *parsedEvent) {
	t.Helper()
	var summary summary_go_proto.Summary
	if err := proto.Unmarshal(message, &summary); err != nil || len(summary.GetValue()) != 1 {
		t.Fatalf("summary = %v, %v, want one value", &summary, err)
	}
	value := summary.GetValue()[0]
	if len(value.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("value has unknown fields %x, want none", value.ProtoReflect().GetUnknown())
	}
	event.Tag, event.Scalar = value.GetTag(), value.GetSimpleValue()
	if picture := value.GetImage(); picture != nil {
		event.Image = []int32{picture.GetHeight(), picture.GetWidth(), picture.GetColorspace()}
		event.Bytes = len(picture.GetEncodedImageString())
	}
}
