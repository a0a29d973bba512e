// Package memory bounds the bytes that all calls hold at a time: messages until
// they are handled, replies until they are written, pictures while they are
// decoded.
package memory

import (
	"cmp"
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
	peak     int64 // of both together, since Watch looked
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

// MessageSize returns the bytes that messages and replies may take.
func (b *Budget) MessageSize() int64 { return b.size / 2 }

// Used returns the bytes that are taken.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages + b.decoding
}

// TakeMessage takes n bytes for a message or a reply and reports whether they were
// free. They are given back by ReleaseMessage.
func (b *Budget) TakeMessage(n int64) bool { return b.take(&b.messages, b.MessageSize(), n) }

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
	return b.takeLocked(part, most, n)
}

func (b *Budget) takeLocked(part *int64, most, n int64) bool {
	if n > most-*part || n > b.size-b.messages-b.decoding {
		return false
	}
	*part += n
	b.peak = max(b.peak, b.messages+b.decoding)
	return true
}

func (b *Budget) release(part *int64, n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	*part -= n
	b.mu.Unlock()
	b.freed()
}

// Share is what the accounts of one caller hold together of a budget's messages: at
// most as much as they leave free, so that one caller gets half, a second one half of
// the rest, and neither the last place of others. It is its budget's alone.
type Share struct{ held int64 } // guarded by Budget.mu

// takeOf takes n bytes for a message of share, nil: of none, and reports whether they
// were free.
func (b *Budget) takeOf(share *Share, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if share == nil {
		return b.takeLocked(&b.messages, b.MessageSize(), n)
	}
	if n > b.MessageSize()-b.messages-n-share.held || !b.takeLocked(&b.messages, b.MessageSize(), n) {
		return false
	}
	share.held += n
	return true
}

// releaseOf gives back n bytes of takeOf.
func (b *Budget) releaseOf(share *Share, n int64) {
	if share != nil {
		b.mu.Lock()
		share.held -= n
		b.mu.Unlock()
	}
	b.ReleaseMessage(n)
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
	case a.held+n > a.limit || !a.budget.takeOf(a.share, n):
		a.over = true
		close(a.refused)
		return false
	}
	a.held += n
	return true
}

// Fits reports whether Take would take n bytes now.
func (a *Account) Fits(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.over || a.held+n > a.limit || !a.budget.takeOf(a.share, n) {
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
	a.budget.releaseOf(a.share, n)
}

// Keep gives back all but n bytes.
func (a *Account) Keep(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveLocked(max(a.held-n, 0))
}

// Refused is closed when Take has not been given what it asked for.
func (a *Account) Refused() <-chan struct{} { return a.refused }

// Closed reports whether the account has been closed, and was not refused before.
func (a *Account) Closed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed && !a.over
}

// Close gives all back; Take then takes nothing. It may be called more than once.
func (a *Account) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.giveLocked(a.held)
}
