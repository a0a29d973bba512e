package batch

import (
	"context"
	"runtime/debug"
)

// encoder calls the runner function. It belongs to one runner goroutine alone.
type encoder struct {
	cfg     Config
	run     Runner
	staging []byte // the images of a run side by side; reused by every run
}

// encode runs the units' images and returns float32 [images, EmbeddingLength],
// valid until the next call.
func (e *encoder) encode(ctx context.Context, units []*unit) ([]float32, error) {
	e.staging = e.staging[:0]
	for _, u := range units {
		e.staging = append(e.staging, u.pixels...)
	}
	size := e.cfg.size(len(units))
	e.staging = append(e.staging, make([]byte, (size-len(units))*e.cfg.ImageBytes)...)
	output, err := e.call(ctx)
	if err != nil {
		return nil, err
	}
	if want := size * e.cfg.EmbeddingLength; len(output) != want {
		return nil, &OutputError{Images: size, Got: len(output), Want: want}
	}
	return output[:len(units)*e.cfg.EmbeddingLength], nil
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
