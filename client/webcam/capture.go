package webcam

import (
	"context"
	"sync/atomic"
	"time"
)

// captured is a picture with its number and time.
type captured struct {
	picture Picture
	id      int64 // from 1, rising
	at      time.Time
}

// capture reads a source in a goroutine of its own and keeps the newest
// picture.
type capture struct {
	// pictures holds one: a picture that was not taken is replaced by the next. It
	// is closed when the source has ended; err is set then.
	pictures chan captured
	err      error
	replaced atomic.Int64 // pictures that nobody took

	source Source
	paused atomic.Bool
	resume chan struct{} // of 1: a wish is kept while the reader is busy
	cancel context.CancelFunc
}

// startCapture begins to read. The source is closed by the reader; the caller
// calls stop.
func startCapture(ctx context.Context, source Source) *capture {
	ctx, cancel := context.WithCancel(ctx)
	c := &capture{
		pictures: make(chan captured, 1),
		source:   source,
		resume:   make(chan struct{}, 1),
		cancel:   cancel,
	}
	go c.read(ctx)
	return c
}

// setPaused stops or goes on with a source that has its own rate. A camera is
// read on, so that no old pictures gather in its driver.
func (c *capture) setPaused(paused bool) {
	c.paused.Store(paused)
	select {
	case c.resume <- struct{}{}:
	default: // a wish waits already
	}
}

// stop ends the reader and waits for it: at most for the time of one read.
func (c *capture) stop() {
	c.cancel()
	for left := range c.pictures {
		_ = left.picture.Close() // nothing is lost with a picture that nobody wants
	}
}

func (c *capture) read(ctx context.Context) {
	defer close(c.pictures)
	c.err = c.readAll(ctx)
	if err := c.source.Close(); c.err == nil {
		c.err = err
	}
}

func (c *capture) readAll(ctx context.Context) error {
	pace := newPace(c.source.Rate())
	for id := int64(1); ; id++ {
		if err := pace.wait(ctx); err != nil {
			return err
		}
		if err := c.waitResumed(ctx, pace); err != nil {
			return err
		}
		picture, err := c.source.Read()
		if err != nil {
			return err
		}
		c.put(captured{picture: picture, id: id, at: time.Now()})
	}
}

// put gives the slot a picture. There is one writer, so the second send finds
// room.
func (c *capture) put(newest captured) {
	select {
	case c.pictures <- newest:
		return
	default:
	}
	select {
	case old := <-c.pictures:
		_ = old.picture.Close() // it is not wanted any more
		c.replaced.Add(1)
	default: // taken just now
	}
	c.pictures <- newest
}

func (c *capture) waitResumed(ctx context.Context, pace *pace) error {
	for c.source.Rate() > 0 && c.paused.Load() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.resume:
			pace.restart()
		}
	}
	return nil
}

// pace keeps a file's own rate.
type pace struct {
	interval time.Duration // 0: no waiting
	next     time.Time
}

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{interval: time.Duration(float64(time.Second) / perSecond)}
}

// maxLate is how late a picture may be and still the next ones hurry to catch up.
const maxLate = time.Second

// wait returns when the next picture is due.
func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	if p.interval > 0 && now.Before(p.next) {
		timer := time.NewTimer(p.next.Sub(now))
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	if now.Sub(p.next) > maxLate {
		p.next = now
	}
	p.next = p.next.Add(p.interval)
	return ctx.Err()
}

// restart makes the next picture due now.
func (p *pace) restart() {
	p.next = time.Now()
}
