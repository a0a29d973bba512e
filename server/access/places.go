package access

import "sync"

// Places bound how many things are open at a time, in all and for one address. It is
// safe for concurrent use.
type Places struct {
	all, perAddress int

	mu    sync.Mutex
	taken map[string]int // by AddressName
	total int
}

// NewPlaces returns places for all things of all addresses, and for perAddress of
// one.
func NewPlaces(all, perAddress int) *Places {
	return &Places{all: all, perAddress: perAddress, taken: make(map[string]int)}
}

// Enter takes a place for an address, as net.Addr's String tells it, and reports
// whether there was one. leave gives it back; it may be called more than once.
func (p *Places) Enter(address string) (leave func(), ok bool) {
	name := AddressName(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.all || p.taken[name] >= p.perAddress {
		return nil, false
	}
	p.total++
	p.taken[name]++
	return sync.OnceFunc(func() { p.leave(name) }), true
}

func (p *Places) leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.taken[name]--; p.taken[name] == 0 {
		delete(p.taken, name)
	}
}

// Shares bound how many things of all callers are open at a time, and keep some for
// others: a caller finds a place while it has at most three times as many as are
// free. One alone gets three quarters of many, or all of four. It is safe for
// concurrent use.
type Shares struct {
	all int

	mu    sync.Mutex
	taken map[string]int // by the caller's name
	total int
}

// NewShares returns places for all things of all callers.
func NewShares(all int) *Shares { return &Shares{all: all, taken: make(map[string]int)} }

// Enter takes a place for a caller and reports whether there was one. leave gives it
// back; it may be called more than once.
func (s *Shares) Enter(caller string) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.all - s.total; free <= 0 || s.taken[caller] > 3*free {
		return nil, false
	}
	s.total++
	s.taken[caller]++
	return sync.OnceFunc(func() { s.leave(caller) }), true
}

func (s *Shares) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.taken[caller]--; s.taken[caller] == 0 {
		delete(s.taken, caller)
	}
}
