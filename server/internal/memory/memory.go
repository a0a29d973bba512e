// Package memory bounds the bytes that all calls hold at a time: messages until
// they are handled, replies until they are written, pictures while they are
// decoded.
package memory

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Budget is a number of bytes that calls share. Messages and replies take their
// bytes at once or are refused; decoding waits for its bytes. So that decoding can
// always go on, and calls end, messages never take more than half. A Budget is
// safe for concurrent use.
type Budget struct {
	size     int64
	bytes    *semaphore.Weighted
	messages *semaphore.Weighted // of the same bytes, those that messages may take
	used     atomic.Int64
}

// NewBudget returns a budget of size bytes. The error says that size is below 2.
func NewBudget(size int64) (*Budget, error) {
	if size < 2 {
		return nil, fmt.Errorf("memory: budget is %d bytes, expected at least 2", size)
	}
	return &Budget{
		size:     size,
		bytes:    semaphore.NewWeighted(size),
		messages: semaphore.NewWeighted(size / 2),
	}, nil
}

// Size returns the bytes in all.
func (b *Budget) Size() int64 { return b.size }

// Used returns the bytes that are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// TakeMessage takes n bytes for a message or a reply and reports whether they were
// free. They are given back by ReleaseMessage.
func (b *Budget) TakeMessage(n int64) bool {
	if !b.messages.TryAcquire(n) {
		return false
	}
	if !b.bytes.TryAcquire(n) {
		b.messages.Release(n)
		return false
	}
	b.used.Add(n)
	return true
}

// ReleaseMessage gives back n bytes of TakeMessage.
func (b *Budget) ReleaseMessage(n int64) {
	b.used.Add(-n)
	b.bytes.Release(n)
	b.messages.Release(n)
}

// Take takes n bytes, first come first served, and waits for them until ctx is
// done. More than Size fails only then: the caller checks n before. They are given
// back by Release.
func (b *Budget) Take(ctx context.Context, n int64) error {
	if err := b.bytes.Acquire(ctx, n); err != nil {
		return err
	}
	b.used.Add(n)
	return nil
}

// Release gives back n bytes of Take.
func (b *Budget) Release(n int64) {
	b.used.Add(-n)
	b.bytes.Release(n)
}
