package gpu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"siamese/bench"
)

// Encoder is a model that was opened on a device.
type Encoder interface {
	bench.Encoder
	// Compare turns n pairs of embeddings, float32 [n,E] each, into similarities.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
	Close() error
}

// ModelOptions say how a model is opened.
type ModelOptions struct {
	Device    string // "cpu" or "gpu:N"
	Precision string // "float32", "tf32" or "bfloat16"
	// Batch is the most images of a run.
	Batch int
	// MemoryFraction is the share of the GPU's memory that may be taken, 0 for what
	// is needed.
	MemoryFraction float64
}

// Card is what is known of the device at the moment.
type Card struct {
	Name string
	// Lines are what else there is to tell, such as the driver's version, by name.
	Lines [][2]string
	// UsedBytes and TotalBytes are the memory of the device, of all processes; 0
	// where the driver does not tell.
	UsedBytes, TotalBytes int64
}

// Bench is what the parts measure, in this process. Its functions are called by
// one goroutine.
type Bench struct {
	// Device is what is measured: "cpu" or "gpu:N".
	Device string
	// Card looks at the device; before a model was opened on it versions of
	// libraries may be missing.
	Card func() Card
	// Touch opens the device, so that its libraries are loaded.
	Touch func() error
	// OpenModel opens the model; the golden pairs are held to the precision's
	// tolerance.
	OpenModel func(ctx context.Context, options ModelOptions) (Encoder, error)
	// OpenTrainer makes a trainer of VGG16 that begins with the same weights each
	// time. towers are the devices that share a step; for one device they are nil.
	OpenTrainer func(device string, towers []string, precision string) (bench.Learner, error)
	// Server is the command line of a server of the model, to which its address is to
	// be appended.
	Server func(options ModelOptions) ([]string, error)
	// Prepare turns an image file into pixels, uint8 [H,W,3].
	Prepare bench.Preparer
	// ImageFLOP is how many floating-point operations it takes to encode an image.
	ImageFLOP float64
	// MinTime is how long each figure is measured at least.
	MinTime time.Duration
	// Best is what earlier parts found.
	Best Best

	out  *json.Encoder
	err  error // the first of writing
	part string
}

// part is one thing to measure.
type part struct {
	name  string
	limit time.Duration // what it may take at most
	run   func(*Bench, context.Context) error
}

// devicesPart is the part that looks whether the device is there.
const devicesPart = "devices"

// parts are in the order in which they are run: what tells most comes first.
// Their limits are more than five minutes in all: none takes its whole.
var parts = []part{
	{devicesPart, 60 * time.Second, (*Bench).devices},
	{"float32", 80 * time.Second, encodePart("float32")},
	{"tf32", 60 * time.Second, encodePart("tf32")},
	{"bfloat16", 60 * time.Second, encodePart("bfloat16")},
	{"memory", 40 * time.Second, (*Bench).memory},
	{"server", 80 * time.Second, (*Bench).server},
	{"train-float32", 60 * time.Second, trainPart("float32")},
	{"train-bfloat16", 60 * time.Second, trainPart("bfloat16")},
	{"towers", 60 * time.Second, (*Bench).towers},
}

// PartNames lists the parts in their order.
func PartNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// ParseParts reads names of parts, divided by commas; none stands for all.
func ParseParts(text string) ([]string, error) {
	if text == "" {
		return PartNames(), nil
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if !slices.Contains(PartNames(), name) {
			return nil, fmt.Errorf("part %q, want some of %s", name, strings.Join(PartNames(), ","))
		}
	}
	return names, nil
}

func findPart(name string) (part, bool) {
	i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
	if i < 0 {
		return part{}, false
	}
	return parts[i], true
}

func partLimit(name string) time.Duration {
	p, _ := findPart(name)
	return p.limit
}

// Run measures one part in this process and writes a line of JSON for each
// figure.
func (b *Bench) Run(ctx context.Context, name string, out io.Writer) error {
	p, ok := findPart(name)
	if !ok {
		return fmt.Errorf("part %q, want one of %s", name, strings.Join(PartNames(), ","))
	}
	b.out, b.part = json.NewEncoder(out), name
	return errors.Join(p.run(b, ctx), b.err)
}

// onCPU reports whether it is the CPU that is measured: less of everything then.
func (b *Bench) onCPU() bool { return b.Device == "cpu" }

// tell writes a figure. Run returns the first error.
func (b *Bench) tell(name string, value float64, unit string) {
	b.write(Figure{Name: name, Value: value, Unit: unit})
}

// tellAtMost writes a figure with a bar.
func (b *Bench) tellAtMost(name string, value float64, unit string, bar float64) {
	b.write(Figure{Name: name, Value: value, Unit: unit, Bar: &bar})
}

// tellText writes a result that is no number.
func (b *Bench) tellText(name, text string) {
	b.write(Figure{Name: name, Text: text})
}

func (b *Bench) write(figure Figure) {
	figure.Part = b.part
	if err := b.out.Encode(figure); b.err == nil {
		b.err = err
	}
}

// devices tells what there is.
func (b *Bench) devices(context.Context) error {
	if err := b.Touch(); err != nil {
		return err
	}
	card := b.Card()
	b.tellText("device", strings.TrimSpace(b.Device+" "+card.Name))
	for _, line := range card.Lines {
		b.tellText(line[0], line[1])
	}
	if card.TotalBytes > 0 {
		b.tell("memory", megabytes(card.TotalBytes), "MB")
	}
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
