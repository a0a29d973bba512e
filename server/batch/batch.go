// Package batch gathers the images of many callers into runs of an encoder.
//
// A [Queue] holds the images that wait, first come first served, and one
// goroutine that owns the encoder: whenever the encoder is free it takes what
// is there, at most [Config].MaxBatch images, without waiting for more. A run
// may mix callers and a caller's images may be spread over runs; each caller
// gets exactly its own embeddings back, in its own order.
//
// The queue is bounded, counted in images. [Queue.Submit] refuses what does not
// fit, for callers that can come back later; [Queue.SubmitWait] waits for room,
// for callers that are slowed down by waiting, such as streams.
//
// Images are bytes and embeddings are floats here: the package knows neither
// the wire nor the network.
package batch

import (
	"context"
	"fmt"
	"time"
)

// Runner encodes a run of images: pixels is uint8 [n, ImageBytes], n from 1 to
// MaxBatch; the result is float32 [n, EmbeddingLength]. It is called by one
// goroutine at a time. It must not keep pixels, whose memory the next run
// reuses; the result may be reused by the runner's next call. ctx ends when the
// queue is closed. A panic is turned into a [*PanicError].
type Runner func(ctx context.Context, pixels []byte) ([]float32, error)

// Config sizes a queue. Every field is required.
type Config struct {
	// MaxQueued is how many images may wait, those of a run under way not
	// counted.
	MaxQueued int

	// MaxBatch is the most images of one run.
	MaxBatch int

	// ImageBytes is the length of one image.
	ImageBytes int

	// EmbeddingLength is the number of floats of one embedding.
	EmbeddingLength int
}

// Validate tells which field is out of range, if any is.
func (c Config) Validate() error {
	fields := []struct {
		name  string
		value int
	}{
		{"MaxQueued", c.MaxQueued},
		{"MaxBatch", c.MaxBatch},
		{"ImageBytes", c.ImageBytes},
		{"EmbeddingLength", c.EmbeddingLength},
	}
	for _, field := range fields {
		if field.value < 1 {
			return fmt.Errorf("batch: %s is %d, expected at least 1", field.name, field.value)
		}
	}
	return nil
}

// Timing tells where a caller's time went.
type Timing struct {
	// Queue is the longest wait among the caller's images, from Submit to the
	// start of the run that took it.
	Queue time.Duration

	// Encode is the wall time of the runs that carried the caller's images,
	// other callers' images in the same runs included.
	Encode time.Duration
}
