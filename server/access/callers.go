package access

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// defaultCallers bounds the table of callers to about 3 MB.
const defaultCallers = 10_000

// Callers keeps each caller within its limits. Callers that have nothing under
// way are forgotten when there are too many, the longest silent first. It is
// safe for concurrent use.
type Callers struct {
	limits Limits

	mu    sync.Mutex
	table map[string]*caller
	idle  *list.List // of *caller with nothing under way, the latest in front
}

type caller struct {
	name   string
	bucket *rate.Limiter // nil: no bound
	calls  int           // under way
	place  *list.Element // in Callers.idle; nil while calls > 0
}

// NewCallers makes an empty table.
func NewCallers(limits Limits) (*Callers, error) {
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	limits.Burst = cmp.Or(limits.Burst, int(math.Ceil(limits.CallsPerSecond)))
	limits.Callers = cmp.Or(limits.Callers, defaultCallers)
	return &Callers{limits: limits, table: make(map[string]*caller), idle: list.New()}, nil
}

// Enter begins a call of the caller with this name. The caller of Enter must
// Leave the permit, once. Errors: *[RateError],
// *[CallsError], [ErrTooManyCallers].
func (c *Callers) Enter(name string) (*Permit, error) {
	if c.limits.CallsPerSecond == 0 && c.limits.Calls == 0 {
		return &Permit{}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := c.callerLocked(name)
	if err != nil {
		return nil, err
	}
	if c.limits.Calls > 0 && found.calls >= c.limits.Calls {
		return nil, &CallsError{Calls: c.limits.Calls}
	}
	if found.bucket != nil {
		now := time.Now()
		place := found.bucket.ReserveN(now, 1)
		if wait := place.DelayFrom(now); wait > 0 {
			place.CancelAt(now)
			return nil, &RateError{CallsPerSecond: c.limits.CallsPerSecond, Retry: wait}
		}
	}
	if found.place != nil {
		c.idle.Remove(found.place)
		found.place = nil
	}
	found.calls++
	return &Permit{callers: c, caller: found}, nil
}

// callerLocked finds a caller, or makes room for a new one.
func (c *Callers) callerLocked(name string) (*caller, error) {
	if found, ok := c.table[name]; ok {
		if found.place != nil {
			c.idle.MoveToFront(found.place)
		}
		return found, nil
	}
	if len(c.table) >= c.limits.Callers {
		longest := c.idle.Back()
		if longest == nil {
			return nil, ErrTooManyCallers
		}
		delete(c.table, c.idle.Remove(longest).(*caller).name)
	}
	fresh := &caller{name: name}
	if c.limits.CallsPerSecond > 0 {
		fresh.bucket = rate.NewLimiter(rate.Limit(c.limits.CallsPerSecond), c.limits.Burst)
	}
	fresh.place = c.idle.PushFront(fresh)
	c.table[name] = fresh
	return fresh, nil
}

// Limits are the limits in force: defaults are filled in, and Burst is zero
// where CallsPerSecond is.
func (c *Callers) Limits() Limits { return c.limits }

// Permit is the place of a call under way. The zero value is one without bounds.
type Permit struct {
	callers *Callers
	caller  *caller
}

// Wait waits until the caller may ask for one more thing within the same call,
// such as a stream's next message. Errors: ctx's, and *[RateError] when ctx
// would be done before. It may be called after Leave.
func (p *Permit) Wait(ctx context.Context) error {
	if p.caller == nil || p.caller.bucket == nil {
		return nil
	}
	err := p.caller.bucket.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	perSecond := p.callers.limits.CallsPerSecond
	return &RateError{CallsPerSecond: perSecond, Retry: time.Duration(float64(time.Second) / perSecond)}
}

// Leave gives the place back, once.
func (p *Permit) Leave() {
	if p.caller == nil {
		return
	}
	p.callers.mu.Lock()
	defer p.callers.mu.Unlock()
	p.caller.calls--
	if p.caller.calls == 0 {
		p.caller.place = p.callers.idle.PushFront(p.caller)
	}
}

// What may be asked of Limits.CallsPerSecond: from four calls an hour to more
// than any server answers.
const (
	minRate = 0.001
	maxRate = 1e6
)

// ErrTooManyCallers says that the table is full of callers with calls under way.
var ErrTooManyCallers = errors.New("access: calls of too many callers are under way")

// RateError is a call that came too soon after others of its caller.
type RateError struct {
	CallsPerSecond float64       // what the caller may ask
	Retry          time.Duration // when there is room for a call
}

// Error implements error.
func (e *RateError) Error() string {
	return fmt.Sprintf("received calls faster than %v a second, expected at most that", e.CallsPerSecond)
}

// CallsError is a call while too many others of its caller are under way.
type CallsError struct {
	Calls int // how many may be
}

// Error implements error.
func (e *CallsError) Error() string {
	return fmt.Sprintf("received a call while %d of the same caller are under way, expected at most %d", e.Calls, e.Calls)
}

// Limits bound what one caller may ask.
type Limits struct {
	// CallsPerSecond bounds how often a caller may call. Zero: no bound.
	CallsPerSecond float64

	// Burst is how many calls may come at once when there were none before.
	// Default: CallsPerSecond, rounded up.
	Burst int

	// Calls bounds a caller's calls under way; a stream is one. Zero: no bound.
	Calls int

	// Callers bounds how many callers are remembered, and so the memory. Default
	// 10,000.
	Callers int
}

// Validate returns an error that names the field which is out of range, if any.
func (l Limits) Validate() error {
	switch {
	case l.CallsPerSecond != 0 && !(l.CallsPerSecond >= minRate && l.CallsPerSecond <= maxRate): // NaN too
		return fmt.Errorf("access: Limits.CallsPerSecond is %v, expected 0 (no bound) or %v to %v", l.CallsPerSecond, minRate, maxRate)
	case l.Burst < 0:
		return fmt.Errorf("access: Limits.Burst is %d, expected 0 (the default) or more", l.Burst)
	case l.Burst > 0 && l.CallsPerSecond == 0:
		return fmt.Errorf("access: Limits.Burst is %d without CallsPerSecond, expected both or neither", l.Burst)
	case l.Calls < 0:
		return fmt.Errorf("access: Limits.Calls is %d, expected 0 (no bound) or more", l.Calls)
	case l.Callers < 0:
		return fmt.Errorf("access: Limits.Callers is %d, expected 0 (the default) or more", l.Callers)
	}
	return nil
}

// AddressName is what a caller without token and certificate is called: its IP
// address without the port, of IPv6 the first 64 bits, since a single machine
// has all that follow. All that come by a unix socket have one name. What else is no
// such address is its own name.
func AddressName(address string) string {
	if address == "@" { // the other end of a unix socket has no name
		return "unix"
	}
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := parsed.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
}
