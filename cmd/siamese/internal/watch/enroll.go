package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"siamese/client"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/scorer"
)

// Waits for a gallery that does not answer.
const (
	firstWait = time.Second
	mostWait  = time.Minute
)

// settle takes in what has not been changed for long enough. A gallery that does not
// answer, or that another program has open, is tried again.
func (w *watcher) settle(ctx context.Context) error {
	now := time.Now()
	if now.Before(w.retryAt) {
		return nil
	}
	whole, gone := w.tree.whole(now, w.Settle), w.tree.gone(now, w.Settle)
	if len(whole)+len(gone) == 0 {
		return nil
	}
	err := w.enroll(ctx, whole)
	if err == nil && w.Remove {
		var ids []string
		for _, path := range gone {
			ids = append(ids, w.naming.ID(w.tree.root, path))
		}
		err = w.remove(ctx, ids)
	}
	err = errors.Join(err, w.keeper.Rest(ctx))
	if err == nil {
		w.tree.taken(whole, gone)
		w.retryAt, w.wait = time.Time{}, 0
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.later(err, now)
	return nil
}

// later notes that the gallery did not answer, and is tried again.
func (w *watcher) later(err error, now time.Time) {
	w.wait = min(max(2*w.wait, firstWait), mostWait)
	w.retryAt = now.Add(w.wait)
	fmt.Fprintf(w.notes, "error: %s: tried again in %v\n", scorer.Printable(err.Error()), w.wait)
}

// enroll enrolls files.
func (w *watcher) enroll(ctx context.Context, paths []string) error {
	for len(paths) > 0 {
		some := paths[:min(galleries.AtOnce, len(paths))]
		paths = paths[len(some):]
		var entries []galleries.Entry
		for _, path := range some {
			entries = append(entries, w.naming.Entry(w.tree.root, path))
		}
		outcomes, err := w.keeper.Enroll(ctx, w.Gallery, entries)
		if err != nil {
			return err
		}
		for i, outcome := range outcomes {
			if failure, ok := errors.AsType[*client.Error](outcome.Err); ok && failure.RetryIn > 0 {
				return failure // the server is busy
			}
			if err := w.say(wordOf(outcome), entries[i].ID, some[i], outcome.Err); err != nil {
				return err
			}
		}
		w.tree.taken(some, nil)
	}
	return nil
}

// remove removes entries.
func (w *watcher) remove(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := w.keeper.Remove(ctx, w.Gallery, ids, nil); err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.say("removed", id, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// said is a line of --json.
type said struct {
	Event string `json:"event"`
	ID    string `json:"id"`
	File  string `json:"file,omitempty"`
	Error string `json:"error,omitempty"`
}

// say prints what became of a file.
func (w *watcher) say(event, id, file string, failure error) error {
	if w.JSON {
		line := said{Event: event, ID: id, File: file}
		if failure != nil {
			line.Error = failure.Error()
		}
		encoder := json.NewEncoder(w.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(line)
	}
	text := event + " " + id
	if failure != nil {
		text += ": " + failure.Error()
	}
	_, err := fmt.Fprintln(w.out, scorer.Printable(text))
	return err
}
