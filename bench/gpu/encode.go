package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"siamese/bench"
)

// The batches that are encoded, and of a CPU.
var (
	sizesGPU = []int{1, 2, 4, 8, 16, 32, 64, 128, 256}
	sizesCPU = []int{1, 2, 4, 8}
)

// agreeImages is how many images are encoded on both devices.
const agreeImages = 16

// What embeddings may be off from the CPU's at most, against their rms, and
// similarities. float32 sums thirteen layers in another order; the others round
// what they multiply to 10 and to 7 bits.
var agreeBars = map[string]struct{ embeddings, similarity float64 }{
	"float32":  {1e-4, 1e-4},
	"tf32":     {0.05, 0.02},
	"bfloat16": {0.3, 0.05},
}

// minRuns is how often each batch is encoded at least, but for the first run.
const minRuns = 3

// encodePart measures encoding in a precision.
func encodePart(precision string) func(*Bench, context.Context) error {
	return func(b *Bench, ctx context.Context) (err error) {
		if b.onCPU() && precision == "tf32" {
			b.tellText("left out", "TF32 is a GPU's")
			return nil
		}
		sizes := sizesGPU
		if b.onCPU() {
			sizes = sizesCPU
		}
		pixels, err := b.drawings(max(agreeImages, sizes[len(sizes)-1]))
		if err != nil {
			return err
		}
		image := len(pixels) / max(agreeImages, sizes[len(sizes)-1])
		want, err := b.reference(ctx, pixels[:agreeImages*image])
		if err != nil {
			return err
		}
		before := b.Card().UsedBytes
		model, err := b.OpenModel(ctx, ModelOptions{Device: b.Device, Precision: precision, Batch: sizes[len(sizes)-1]})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, model.Close()) }()
		if err := b.agree(ctx, model, precision, pixels[:agreeImages*image], want); err != nil {
			return err
		}
		for _, size := range sizes {
			if err := b.encodeRate(ctx, model, precision, pixels[:size*image], size); err != nil {
				return err
			}
		}
		if after := b.Card().UsedBytes; after > before {
			b.tell("GPU memory taken", megabytes(after-before), "MB")
		}
		return nil
	}
}

// drawings are n prepared images, uint8 [n,H,W,3].
func (b *Bench) drawings(n int) ([]byte, error) {
	files, err := bench.Drawings(n)
	if err != nil {
		return nil, err
	}
	var pixels []byte
	for _, file := range files {
		prepared, err := b.Prepare(file)
		if err != nil {
			return nil, err
		}
		pixels = append(pixels, prepared...)
	}
	return pixels, nil
}

// outputs are what a model makes of the images: embeddings, and the similarity of
// each image to the next one.
type outputs struct{ embeddings, similarities []float32 }

func run(ctx context.Context, model Encoder, pixels []byte) (outputs, error) {
	embeddings, err := model.Encode(ctx, pixels)
	if err != nil {
		return outputs{}, err
	}
	length := len(embeddings) / agreeImages
	similarities, err := model.Compare(ctx, embeddings[:len(embeddings)-length], embeddings[length:])
	return outputs{embeddings, similarities}, err
}

// reference is what the CPU makes of the images in float32.
func (b *Bench) reference(ctx context.Context, pixels []byte) (_ outputs, err error) {
	model, err := b.OpenModel(ctx, ModelOptions{Device: "cpu", Precision: "float32"})
	if err != nil {
		return outputs{}, fmt.Errorf("on the CPU: %w", err)
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	return run(ctx, model, pixels)
}

// agree holds the device against the CPU.
func (b *Bench) agree(ctx context.Context, model Encoder, precision string, pixels []byte, want outputs) error {
	got, err := run(ctx, model, pixels)
	if err != nil {
		return err
	}
	bars := agreeBars[precision]
	b.tellAtMost("embeddings, most off the CPU's, against their rms", greatest(got.embeddings, want.embeddings)/rms(want.embeddings), "", bars.embeddings)
	b.tellAtMost("similarities, most off the CPU's", greatest(got.similarities, want.similarities), "", bars.similarity)
	return nil
}

// greatest is the greatest difference of two slices of one length; NaN where one
// has a NaN.
func greatest(a, b []float32) float64 {
	most := 0.0
	for i := range a {
		most = math.Max(most, math.Abs(float64(a[i])-float64(b[i]))) // unlike max of ordered values it keeps a NaN
	}
	return most
}

func rms(values []float32) float64 {
	sum := 0.0
	for _, value := range values {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum / float64(len(values)))
}

// encodeRate measures batches of one size.
func (b *Bench) encodeRate(ctx context.Context, model Encoder, precision string, pixels []byte, size int) error {
	encode := func() error {
		_, err := model.Encode(ctx, pixels)
		return err
	}
	first, seconds, err := b.measure(encode)
	if err != nil {
		return err
	}
	rate := float64(size) / seconds
	if size != 1 && size != agreeImages { // those have run: golden pairs one by one, and what was held against the CPU
		b.tell(fmt.Sprintf("batch %d, first run", size), first*1e3, "ms")
	}
	b.tell(fmt.Sprintf("batch %d, a run", size), seconds*1e3, "ms")
	b.tell(rateName(size), rate, "images/s")
	b.tell(fmt.Sprintf("batch %d, arithmetic", size), rate*b.ImageFLOP/1e9, "GFLOP/s")
	if peak, ok := peakOf(b.Card().Name, precision); ok {
		b.tell(fmt.Sprintf("batch %d, share of the card's peak of %g TFLOP/s", size, peak), 100*rate*b.ImageFLOP/(peak*1e12), "%")
	}
	return nil
}

// measure times the first run of f, then further ones until MinTime has passed,
// and gives the median of these.
func (b *Bench) measure(f func() error) (first, seconds float64, err error) {
	begin := time.Now()
	if err := f(); err != nil {
		return 0, 0, err
	}
	first = time.Since(begin).Seconds()
	var times []float64
	for begin = time.Now(); len(times) < minRuns || time.Since(begin) < b.MinTime; {
		run := time.Now()
		if err := f(); err != nil {
			return 0, 0, err
		}
		times = append(times, time.Since(run).Seconds())
	}
	return first, bench.Median(times), nil
}

// rateName is the name of a rate, by which Best finds it.
func rateName(size int) string { return fmt.Sprintf("batch %d", size) }

// peaks are dense TFLOP/s of the vendor's datasheets: float32, TF32, bfloat16; 0
// where the card has no such unit. A card is found by the first name whose words
// its own contains: an L40 is no L4, an A1000 no A100.
var peaks = []struct {
	name  string
	rates [3]float64
}{
	{"H200", [3]float64{67, 495, 989}},
	{"H100 PCIe", [3]float64{51, 378, 756}},
	{"H100 NVL", [3]float64{60, 418, 835}},
	{"H100", [3]float64{67, 495, 989}},
	{"A100", [3]float64{19.5, 156, 312}},
	{"A10", [3]float64{31.2, 62.5, 125}},
	{"L40S", [3]float64{91.6, 183, 362}},
	{"L4", [3]float64{30.3, 60, 121}},
	{"T4", [3]float64{8.1, 0, 0}},
	{"V100", [3]float64{15.7, 0, 0}},
	{"RTX 4090", [3]float64{82.6, 82.6, 165}},
	{"RTX 3090", [3]float64{35.6, 35.6, 71}},
}

// peakOf is what a card can do in a precision, in TFLOP/s; false for one that is
// not known.
func peakOf(card, precision string) (float64, bool) {
	columns := map[string]int{"float32": 0, "tf32": 1, "bfloat16": 2}
	card = " " + strings.ReplaceAll(card, "-", " ") + " "
	for _, peak := range peaks {
		if strings.Contains(card, " "+peak.name+" ") {
			rate := peak.rates[columns[precision]]
			return rate, rate > 0
		}
	}
	return 0, false
}
