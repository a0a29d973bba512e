package batch_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"siamese/server/batch"
)

// The tests' images are 2 bytes and their embeddings 3 floats, so that lengths
// which are mixed up show.
const (
	imageBytes      = 2
	embeddingLength = 3
)

// encoder is a runner that keeps a record of its runs.
type encoder struct {
	mu   sync.Mutex
	runs [][]byte // the first byte of each image, by run

	before func(ctx context.Context, run int) error // called at the start of run 1, 2, …; may be nil
	after  func(output []float32) []float32         // changes the output; may be nil
}

func (e *encoder) run(ctx context.Context, pixels []byte) ([]float32, error) {
	var firsts []byte
	var output []float32
	for image := range slices.Chunk(pixels, imageBytes) {
		firsts = append(firsts, image[0])
		output = append(output, embeddingOf(image)...)
	}
	e.mu.Lock()
	e.runs = append(e.runs, firsts)
	run := len(e.runs)
	e.mu.Unlock()
	if e.before != nil {
		if err := e.before(ctx, run); err != nil {
			return nil, err
		}
	}
	if e.after != nil {
		output = e.after(output)
	}
	return output, nil
}

func (e *encoder) seen() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.runs)
}

// image n and the embedding that belongs to it and to no other.
func image(n byte) []byte { return []byte{n, ^n} }

// images share with no others.
func images(ns ...byte) []batch.Image {
	var all []batch.Image
	for _, n := range ns {
		all = append(all, batch.Image{Pixels: image(n)})
	}
	return all
}

// keyed are images that share with those of the same number.
func keyed(ns ...byte) []batch.Image {
	all := images(ns...)
	for i := range all {
		all[i].Key = batch.Key{1, ns[i]}
	}
	return all
}

func embeddingOf(image []byte) []float32 {
	return []float32{float32(image[0]), float32(image[1]), float32(image[0]) + 0.5}
}

func embeddings(ns ...byte) [][]float32 {
	var all [][]float32
	for _, n := range ns {
		all = append(all, embeddingOf(image(n)))
	}
	return all
}

// gate blocks run 1 until it is opened.
type gate chan struct{}

func (g gate) before(_ context.Context, run int) error {
	if run == 1 {
		<-g
	}
	return nil
}

func newQueue(t *testing.T, e *encoder, maxQueued, maxBatch int) *batch.Queue {
	t.Helper()
	return newQueueWith(t, e, batch.Config{MaxQueued: maxQueued, MaxBatch: maxBatch})
}

func newQueueWith(t *testing.T, e *encoder, cfg batch.Config) *batch.Queue {
	t.Helper()
	cfg.ImageBytes, cfg.EmbeddingLength = imageBytes, embeddingLength
	q, err := batch.New(cfg, e.run)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(q.Close)
	return q
}

// submission is the outcome of a Submit that runs beside the test.
type submission struct {
	embeddings [][]float32
	report     batch.Report
	err        error
	done       chan struct{}
}

type submit func(context.Context, []batch.Image) ([][]float32, batch.Report, error)

func start(ctx context.Context, f submit, ns ...byte) *submission {
	return startImages(ctx, f, images(ns...))
}

func startImages(ctx context.Context, f submit, given []batch.Image) *submission {
	s := &submission{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.embeddings, s.report, s.err = f(ctx, given)
	}()
	return s
}
