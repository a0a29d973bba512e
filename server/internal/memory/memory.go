// Package memory bounds the bytes that all calls hold at a time: messages until
// they are handled, replies until they are written, pictures while they are
// decoded.
package memory

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"sync"
)

// Budget is a number of bytes that calls share. Messages and replies take their
// bytes at once or are refused; decoding waits for its bytes. So that decoding can
// always go on, and calls end, messages never take more than half. What waits for
// bytes keeps no message out: it would be refused for others' pictures. A Budget is
// safe for concurrent use.
type Budget struct {
	size int64

	mu       sync.Mutex
	used     int64
	messages int64     // of used
	peak     int64     // of used, since Watch looked
	waiting  list.List // of *wait, the longest in front
}

// wait is a Take that waits.
type wait struct {
	n     int64
	taken chan struct{} // closed when it has its bytes
}

// NewBudget returns a budget of size bytes. The error says that size is below 2.
func NewBudget(size int64) (*Budget, error) {
	if size < 2 {
		return nil, fmt.Errorf("memory: budget is %d bytes, expected at least 2", size)
	}
	return &Budget{size: size}, nil
}

// Size returns the bytes in all.
func (b *Budget) Size() int64 { return b.size }

// MessageSize returns the bytes that messages and replies may take of them.
func (b *Budget) MessageSize() int64 { return b.size / 2 }

// Used returns the bytes that are taken.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *Budget) fitsMessageLocked(n int64) bool {
	return b.messages+n <= b.MessageSize() && b.used+n <= b.size
}

// TakeMessage takes n bytes for a message or a reply and reports whether they were
// free. They are given back by ReleaseMessage.
func (b *Budget) TakeMessage(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fitsMessageLocked(n) {
		return false
	}
	b.messages += n
	b.useLocked(n)
	return true
}

// ReleaseMessage gives back n bytes of TakeMessage.
func (b *Budget) ReleaseMessage(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages -= n
	b.releaseLocked(n)
}

// Take takes n bytes, first come first served, and waits for them until ctx is
// done. More than Size fails only then: the caller checks n before. They are given
// back by Release.
func (b *Budget) Take(ctx context.Context, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if b.waiting.Len() == 0 && b.used+n <= b.size {
		b.useLocked(n)
		b.mu.Unlock()
		return nil
	}
	w := &wait{n: n, taken: make(chan struct{})}
	place := b.waiting.PushBack(w)
	b.mu.Unlock()
	select {
	case <-w.taken:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.taken: // between the two
		b.releaseLocked(n)
	default:
		b.waiting.Remove(place)
		b.releaseLocked(0) // those behind it may fit
	}
	return ctx.Err()
}

// Release gives back n bytes of Take.
func (b *Budget) Release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.releaseLocked(n)
}

func (b *Budget) useLocked(n int64) {
	b.used += n
	b.peak = max(b.peak, b.used)
}

func (b *Budget) releaseLocked(n int64) {
	b.used -= n
	for place := b.waiting.Front(); place != nil; place = b.waiting.Front() {
		w := place.Value.(*wait)
		if b.used+w.n > b.size {
			return
		}
		b.useLocked(w.n)
		b.waiting.Remove(place)
		close(w.taken)
	}
}

// Share bounds what the accounts of one caller hold together, so that none takes the
// place of all others. It is safe for concurrent use.
type Share struct {
	mu    sync.Mutex
	limit int64
	held  int64
}

// NewShare returns the share that one caller has: half of what messages may take.
func (b *Budget) NewShare() *Share { return &Share{limit: b.MessageSize() / 2} }

// take takes n bytes, or gives them back where n is below 0, and reports whether
// they were free.
func (s *Share) take(n int64) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 && s.held+n > s.limit {
		return false
	}
	s.held += n
	return true
}

// Account is what one call holds of a budget for its messages. It is safe for
// concurrent use.
type Account struct {
	budget  *Budget
	share   *Share // nil: all of it
	limit   int64
	refused chan struct{} // closed when bytes were not free

	mu     sync.Mutex
	held   int64
	over   bool // that refused is closed
	closed bool
}

// NewAccount returns an account that holds nothing and will hold limit bytes at
// most; zero: what there is. What it holds is of share, too; nil: of none. The caller
// must Close it.
func (b *Budget) NewAccount(limit int64, share *Share) *Account {
	return &Account{budget: b, share: share, limit: cmp.Or(limit, b.size), refused: make(chan struct{})}
}

// Take takes n bytes and reports whether they were free. Once they were not, the
// account is given no more.
func (a *Account) Take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed || a.over:
		return false
	case a.held+n > a.limit || !a.takeLocked(n):
		a.over = true
		close(a.refused)
		return false
	}
	a.held += n
	return true
}

// takeLocked takes n bytes of the share and the budget, or of neither.
func (a *Account) takeLocked(n int64) bool {
	if !a.share.take(n) {
		return false
	}
	if !a.budget.TakeMessage(n) {
		a.share.take(-n)
		return false
	}
	return true
}

// Fits reports whether Take would take n bytes now.
func (a *Account) Fits(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.over || a.held+n > a.limit || !a.takeLocked(n) {
		return false
	}
	a.held += n
	a.giveLocked(n)
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
	a.share.take(-n)
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
