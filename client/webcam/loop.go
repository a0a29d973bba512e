package webcam

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"siamese/client"
)

const (
	// redrawEvery is how old the screen may get without a new picture: counters
	// and the line go on.
	redrawEvery = 100 * time.Millisecond
	// pollEvery is how long a key or a mouse may wait.
	pollEvery = 30 * time.Millisecond
	// finishTimeout is how long the last pictures' scores are waited for once the
	// source has ended.
	finishTimeout = 3 * time.Second
	// messageSpan is how long a message to the user stands.
	messageSpan = 4 * time.Second
)

// loop is a run. All of it happens in one goroutine, but for the capture.
type loop struct {
	config    Config
	capture   *capture
	board     *board
	recording *recording
	rate      float64 // of the source; 0 where it keeps the time itself

	asking  sync.WaitGroup         // for what the server tells of its models
	told    chan client.ServerInfo // of no room: what nobody takes is not kept
	knows   string                 // what the model knows; empty where that is not told
	knowsAt time.Time

	present Picture // the newest one; nil before the first
	fit     fit
	wish    Region          // as given, or as drawn by the mouse
	region  image.Rectangle // the wish in the present picture

	begin, drawnAt, endedAt time.Time // endedAt: the source's end; zero before it
	lastOffered, lastKnown  int64     // frame numbers
	read                    int64     // pictures from the source
	shown                   int64
	shownRate               rate
	paused                  bool
	quit                    bool
	taken                   int               // references taken from pictures
	thumbnails              map[string]string // which the painter has, by things of a gallery
	dragging                image.Rectangle
	message                 string
	messageAt               time.Time
}

// Run shows and scores the source's pictures until it ends, the user quits, or
// ctx is done; all three give nil. It must be called in the goroutine that made
// the screen. It closes the source.
//
// Errors are for a person: the source failed, the region does not fit (wraps
// ErrRegion), the server does not take a reference of Config.References, or has no
// use of Config.Gallery, there was no stream for Config.ConnectTimeout, or none at
// all until the source's end.
func Run(ctx context.Context, config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	now := time.Now()
	l := &loop{
		config: config, wish: config.Region, begin: now,
		rate: config.Source.Rate(), board: newBoard(config.References, now),
		told: make(chan client.ServerInfo),
	}
	if config.Gallery != "" {
		l.board.gallery = &gallery{name: config.Gallery}
	}
	if config.Painter != nil {
		for _, reference := range config.References {
			config.Painter.SetThumbnail(reference.Name, reference.Image)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	l.capture = startCapture(ctx, config.Source)
	err := l.run(ctx)
	cancel()
	l.asking.Wait()
	l.capture.stop()
	return errors.Join(err, l.end())
}

func (l *loop) run(ctx context.Context) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	pictures, updates := l.capture.pictures, l.config.Scorer.Updates()
	for !l.quit {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case c, ok := <-pictures:
			if ok {
				err = l.picture(c)
			} else {
				pictures = nil
				err = l.sourceEnded(ctx)
			}
		case update, ok := <-updates:
			if ok {
				err = l.update(ctx, update)
			} else {
				updates = nil
			}
		case info := <-l.told:
			err = l.describe(info)
		case <-ticker.C:
			err = l.tick(time.Now())
		}
		if err != nil || l.finished() {
			return err
		}
	}
	return nil
}

// picture takes a new picture: it is offered to the server and shown.
func (l *loop) picture(c captured) error {
	l.read = c.id
	if l.paused {
		return c.picture.Close()
	}
	if err := l.replace(c.picture); err != nil {
		return err
	}
	l.shown++
	l.shownRate.add(c.at)
	if len(l.board.names) > 0 || l.board.gallery != nil {
		data, err := l.present.Encode(l.region, l.config.Encoding)
		if err != nil {
			return err
		}
		l.config.Scorer.Offer(client.Frame{ID: c.id, Captured: c.at, Image: data})
		l.lastOffered = c.id
	}
	if err := l.draw(c.at, true); err != nil {
		return err
	}
	return l.poll()
}

// replace makes a picture the present one.
func (l *loop) replace(picture Picture) error {
	if l.present != nil {
		if err := l.present.Close(); err != nil {
			return err
		}
	}
	l.present = picture
	size := picture.Size()
	if size == l.fit.size {
		return nil
	}
	if l.fit.canvas == (image.Point{}) {
		l.fit = newFit(size)
	} else {
		l.fit = fitInto(size, l.fit.canvas) // a recording can't change its size
	}
	return l.setRegion(l.wish)
}

func (l *loop) setRegion(region Region) error {
	rectangle, err := region.In(l.present.Size())
	if err != nil {
		return err
	}
	l.wish, l.region = region, rectangle
	return nil
}

// update takes what the server, or the connection to it, tells.
func (l *loop) update(ctx context.Context, update client.Update) error {
	switch {
	case update.Result != nil:
		return l.result(*update.Result)
	case update.State != nil:
		l.board.connection(*update.State)
		if update.State.Phase == client.Streaming {
			l.askModels(ctx)
		}
		if err := l.report(stateEntry(*update.State)); err != nil {
			return err
		}
		return l.galleryRefused(*update.State)
	case update.Gallery != nil:
		return l.galleryTold(*update.Gallery)
	case update.ReferenceSet != nil:
		return l.referenceSet(*update.ReferenceSet)
	case update.ReferenceError != nil:
		return l.refused(update.ReferenceError)
	}
	return nil
}

func (l *loop) result(result client.Result) error {
	l.lastKnown = max(l.lastKnown, result.FrameID)
	standings := l.board.result(result)
	switch {
	case result.Dropped:
		return nil
	case result.Err != nil:
		return l.report(Entry{Type: "failed", Time: result.Captured, Frame: result.FrameID, Error: result.Err.Error()})
	}
	if result.Found != nil {
		l.showThumbnails(result.Found)
	}
	return l.report(scoreEntry(result, standings, l.board.state.Model))
}

// referenceSet takes a reference that the server took.
func (l *loop) referenceSet(set client.ReferenceSet) error {
	l.board.referenceSet(set)
	if set.Familiarity == nil || !set.Familiarity.Foreign {
		return nil
	}
	return l.report(Entry{Type: "reference", Time: time.Now(), Reference: set.Name, Familiarity: set.Familiarity, Warning: set.Warning})
}

// refused takes a reference that the server did not take. One that the program
// was started with is an error where trying again would not help.
func (l *loop) refused(refused *client.ReferenceError) error {
	l.say("reference " + refused.Name + ": " + refused.Err.Message)
	err := l.report(Entry{Type: "reference", Time: time.Now(), Reference: refused.Name, Error: refused.Err.Error()})
	if err != nil || refused.Err.Code != codes.InvalidArgument {
		return err
	}
	if slices.ContainsFunc(l.config.References, func(r client.Reference) bool { return r.Name == refused.Name }) {
		return refused
	}
	l.board.dropReference(refused.Name)
	return nil
}

// sourceEnded tells a failure from the end, after which the last scores are
// waited for.
func (l *loop) sourceEnded(ctx context.Context) error {
	err := l.capture.err
	switch {
	case ctx.Err() != nil:
		return nil
	case !errors.Is(err, io.EOF):
		return err
	case l.present == nil:
		return errors.New("the source has ended without a single picture")
	}
	l.endedAt = time.Now()
	return nil
}

// finished says that the source has ended and nothing is to come any more.
func (l *loop) finished() bool {
	return !l.endedAt.IsZero() && l.lastKnown >= l.lastOffered
}

// tick looks after what must not wait for a picture.
func (l *loop) tick(now time.Time) error {
	away := l.board.awayFor(now)
	if limit := l.config.ConnectTimeout; limit > 0 && away > limit {
		return l.unreachable(fmt.Sprintf("no server for %v", limit))
	}
	if !l.endedAt.IsZero() && now.Sub(l.endedAt) > finishTimeout {
		if !l.board.streamed {
			return l.unreachable("the source has ended and no server was there")
		}
		l.quit = true
	}
	if now.Sub(l.drawnAt) >= redrawEvery && l.config.Screen != nil {
		if err := l.draw(now, false); err != nil {
			return err
		}
	}
	return l.poll()
}

func (l *loop) unreachable(what string) error {
	if l.board.lastErr == nil {
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, l.board.lastErr)
}

// dropped is how many pictures had to make room for newer ones.
func (l *loop) dropped() int64 {
	return l.capture.replaced.Load() + l.config.Scorer.Stats().Replaced + l.board.dropped
}

func (l *loop) report(entry Entry) error {
	entry.Dropped = l.dropped()
	for _, reporter := range l.config.Reporters {
		if err := reporter.Report(entry); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// end completes the recording and reports the totals.
func (l *loop) end() error {
	var errs []error
	if l.recording != nil {
		errs = append(errs, l.recording.recorder.Close())
	}
	if l.present != nil {
		errs = append(errs, l.present.Close())
	}
	now := time.Now()
	stats := l.config.Scorer.Stats()
	played := now
	if !l.endedAt.IsZero() {
		played = l.endedAt // the wait for the last scores is no time of the source's
	}
	seconds := played.Sub(l.begin).Seconds()
	errs = append(errs, l.report(Entry{Type: "end", Time: now, Totals: &Totals{
		Read: l.read, Shown: l.shown, Scored: stats.Scored, Dropped: l.dropped(), Failed: stats.Failed, Reconnects: stats.Reconnects,
		ShownPerSecond: float64(l.shown) / seconds, ScoredPerSecond: float64(stats.Scored) / seconds,
	}}))
	return errors.Join(errs...)
}
