package access

import (
	"context"
	"time"
)

// Call is a call under way. The zero value is one without bounds.
type Call struct {
	callers *Callers
	caller  *caller
}

// Wait waits until the caller may ask for one more thing within the same call,
// such as a stream's next message. Errors: ctx's, and *[RateError] when ctx
// would be done before. It may be called after Leave.
func (c *Call) Wait(ctx context.Context) error {
	if c.caller == nil || c.caller.bucket == nil {
		return nil
	}
	err := c.caller.bucket.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	perSecond := c.callers.limits.CallsPerSecond
	return &RateError{CallsPerSecond: perSecond, Retry: time.Duration(float64(time.Second) / perSecond)}
}

// Leave ends the call.
func (c *Call) Leave() {
	if c.caller == nil {
		return
	}
	c.callers.mu.Lock()
	defer c.callers.mu.Unlock()
	c.caller.calls--
	if c.caller.calls == 0 {
		c.caller.place = c.callers.idle.PushFront(c.caller)
	}
}
