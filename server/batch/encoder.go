package batch

import (
	"context"
	"runtime/debug"
)

// encoder calls the runner. It belongs to the queue's owner goroutine alone.
type encoder struct {
	cfg     Config
	run     Runner
	staging []byte // the images of a run side by side; reused by every run
}

// encode runs the images of spans and returns float32 [images,
// EmbeddingLength], valid until the next call.
func (e *encoder) encode(ctx context.Context, spans []span) ([]float32, error) {
	e.staging = e.staging[:0]
	for _, s := range spans {
		for _, image := range s.job.images[s.from:s.to] {
			e.staging = append(e.staging, image...)
		}
	}
	output, err := e.call(ctx)
	if err != nil {
		return nil, err
	}
	images := len(e.staging) / e.cfg.ImageBytes
	if want := images * e.cfg.EmbeddingLength; len(output) != want {
		return nil, &OutputError{Images: images, Got: len(output), Want: want}
	}
	return output, nil
}

// call turns a panic of the runner into an error: the goroutine is shared by
// all callers and has to outlive a run that fails.
func (e *encoder) call(ctx context.Context) (output []float32, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return e.run(ctx, e.staging)
}
