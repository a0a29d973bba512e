package access

import (
	"errors"
	"fmt"
	"time"
)

// What may be asked of Limits.CallsPerSecond: from four calls an hour to more
// than any server answers.
const (
	minRate = 0.001
	maxRate = 1e6
)

// ErrTooManyCallers says that so many callers have calls under way that no other
// one can be kept track of.
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

// Validate tells which field is out of range, if any is.
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
