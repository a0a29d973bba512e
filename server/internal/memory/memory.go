// Package memory bounds the bytes that all calls hold at a time: messages until
// they are handled, replies until they are written, pictures while they are
// decoded.
package memory

import (
	"fmt"
	"sync"
)

// Budget is a number of bytes that calls share. Messages and replies take their
// bytes at once or are refused; decoding waits for its bytes. So that decoding can
// always go on, and calls end, messages never take more than half; so that calls come
// in and can be told no, decoding never takes more than three quarters. A Budget is
// safe for concurrent use.
type Budget struct {
	size int64

	mu       sync.Mutex // guards what follows
	messages int64
	decoding int64
	freed    func()
}

// NewBudget returns a budget of size bytes. The error says that size is below 4.
func NewBudget(size int64) (*Budget, error) {
	if size < 4 {
		return nil, fmt.Errorf("memory: budget is %d bytes, expected at least 4", size)
	}
	return &Budget{size: size, freed: func() {}}, nil
}

// Size returns the bytes in all.
func (b *Budget) Size() int64 { return b.size }

// Most returns the bytes that one picture may take to decode: half, which is free as
// soon as no other is decoded.
func (b *Budget) Most() int64 { return b.size / 2 }

// Used returns the bytes that are taken.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages + b.decoding
}

// TakeMessage takes n bytes for a message or a reply and reports whether they were
// free. They are given back by ReleaseMessage.
func (b *Budget) TakeMessage(n int64) bool { return b.take(&b.messages, b.size/2, n) }

// ReleaseMessage gives back n bytes of TakeMessage.
func (b *Budget) ReleaseMessage(n int64) { b.release(&b.messages, n) }

// Take takes n bytes for decoding and reports whether they were free. They are given
// back by Release.
func (b *Budget) Take(n int64) bool { return b.take(&b.decoding, b.size/4*3, n) }

// Release gives back n bytes of Take.
func (b *Budget) Release(n int64) { b.release(&b.decoding, n) }

// OnFreed has freed called after bytes were given back, so that who was told no can
// try again. It is set once, before the budget is used.
func (b *Budget) OnFreed(freed func()) { b.freed = freed }

func (b *Budget) take(part *int64, most, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > most-*part || n > b.size-b.messages-b.decoding {
		return false
	}
	*part += n
	return true
}

func (b *Budget) release(part *int64, n int64) {
	b.mu.Lock()
	*part -= n
	b.mu.Unlock()
	b.freed()
}
