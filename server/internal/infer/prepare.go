package infer

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"siamese/imaging"
	"siamese/server/internal/fault"
	"siamese/server/internal/memory"
)

// bytesPerPixel is what a progressive JPEG takes.
const bytesPerPixel = 18

// pool bounds the preparing of all requests together. It is safe for concurrent
// use.
type pool struct {
	size    int                 // workers: preparing is pure computing, more than cores gain nothing
	workers *semaphore.Weighted // one unit a worker
	memory  *memory.Budget      // what decoding takes is taken from it
}

func newPool(budget *memory.Budget) *pool {
	size := runtime.GOMAXPROCS(0)
	return &pool{
		size:    size,
		workers: semaphore.NewWeighted(int64(size)),
		memory:  budget,
	}
}

// do runs work with a worker's place and the given bytes taken from the
// budget, both given back after. It waits for them in this order: a place that
// waits for bytes waits for places that are at work, so all get on.
func (p *pool) do(ctx context.Context, bytes int64, work func()) error {
	if err := p.workers.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.workers.Release(1)
	bytes = min(bytes, p.memory.Size())
	if err := p.memory.Take(ctx, bytes); err != nil {
		return err
	}
	defer p.memory.Release(bytes)
	work()
	return nil
}

// preparer brings images to the network's input, in the pool.
type preparer struct {
	pool   *pool
	images *imaging.Preparer
}

// fill fills in the image's picture or its fault. An error is none of the image's:
// ctx is done.
func (p *preparer) fill(ctx context.Context, m *Image, keepPrepared bool) error {
	bytes, err := p.bytes(m.source)
	if err != nil {
		return m.fail(err)
	}
	var failed error
	err = p.pool.do(ctx, bytes, func() {
		started := time.Now()
		picture, err := p.picture(m.source)
		m.decode = time.Since(started)
		if err == nil {
			err = m.accept(picture, keepPrepared)
		}
		failed = err
	})
	if err != nil {
		return err
	}
	return m.fail(failed)
}

// bytes returns what the image takes of the budget. It reads the header alone
// and refuses what is over a limit, so that nothing too large waits.
func (p *preparer) bytes(source Source) (int64, error) {
	if raw, ok := source.(Raw); ok {
		return int64(len(raw.Pixels)), nil
	}
	encoded, _ := source.(Encoded) // nothing else is prepared
	header, err := p.images.Inspect(encoded)
	return bytesPerPixel * int64(header.Width) * int64(header.Height), err
}

func (p *preparer) picture(source Source) (*imaging.Picture, error) {
	if raw, ok := source.(Raw); ok {
		return p.images.PrepareRaw(imaging.Raw(raw))
	}
	encoded, _ := source.(Encoded)
	return p.images.Prepare(encoded)
}

// fail records the image's own fault and passes any other error on.
func (m *Image) fail(err error) error {
	var refused *imaging.Error
	if errors.As(err, &refused) {
		m.fault = fault.Image(refused)
		return nil
	}
	return err
}
