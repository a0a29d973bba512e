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
