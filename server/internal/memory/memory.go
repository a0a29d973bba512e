// Package memory bounds the bytes that all calls hold at a time: messages until
// they are handled, replies until they are written, pictures while they are
// decoded.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"sync"
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

// MessageSize returns the bytes that messages and replies may take.
func (b *Budget) MessageSize() int64 { return b.size / 2 }

// FitsMessage reports whether n bytes for a message are free now.
func (b *Budget) FitsMessage(n int64) bool {
	if !b.TakeMessage(n) {
		return false
	}
	b.ReleaseMessage(n)
	return true
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

// Account is what one call holds of a budget for its messages. It is safe for
// concurrent use.
type Account struct {
	budget  *Budget
	limit   int64
	refused chan struct{} // closed when bytes were not free

	mu     sync.Mutex
	held   int64
	over   bool // that refused is closed
	closed bool
}

// NewAccount returns an account that holds nothing and will hold limit bytes at
// most; zero: what there is. The caller must Close it.
func (b *Budget) NewAccount(limit int64) *Account {
	return &Account{budget: b, limit: cmp.Or(limit, b.size), refused: make(chan struct{})}
}

// Take takes n bytes and reports whether they were free. Once they were not, the
// account is given no more.
func (a *Account) Take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed || a.over:
		return false
	case a.held+n > a.limit || !a.budget.TakeMessage(n):
		a.over = true
		close(a.refused)
		return false
	}
	a.held += n
	return true
}

// Give gives back n bytes, or what is held where that is less.
func (a *Account) Give(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveLocked(n)
}

func (a *Account) giveLocked(n int64) {
	n = min(n, a.held)
	a.held -= n
	a.budget.ReleaseMessage(n)
}

// Keep gives back all but n bytes.
func (a *Account) Keep(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveLocked(max(a.held-n, 0))
}

// Refused is closed when Take has not been given what it asked for.
func (a *Account) Refused() <-chan struct{} { return a.refused }

// Close gives all back; Take then takes nothing. It may be called more than once.
func (a *Account) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.giveLocked(a.held)
}
