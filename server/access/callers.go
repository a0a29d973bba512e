package access

import (
	"cmp"
	"container/list"
	"math"
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

// Enter begins a call. Who begins it must Leave it, once. Errors: *[RateError],
// *[CallsError], [ErrTooManyCallers].
func (c *Callers) Enter(name string) (*Call, error) {
	if c.limits.CallsPerSecond == 0 && c.limits.Calls == 0 {
		return &Call{}, nil
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
	return &Call{callers: c, caller: found}, nil
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

// Len is how many callers are remembered.
func (c *Callers) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.table)
}
