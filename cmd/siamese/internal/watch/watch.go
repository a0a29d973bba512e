// Package watch is the command `siamese watch`: pictures are enrolled in a gallery as
// they come into a folder.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/gallery"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese watch`.
type Command struct {
	Dir string `arg:"" help:"The folder to watch, with all that is below it, now and later. Hidden files and folders, folders that are symbolic links, and files that are no pictures are passed over."`

	Remove   bool          `help:"Removes entries whose files are gone: at the start those of the gallery whose ids begin with --id-prefix, later what is deleted or moved away. A folder without any picture, which may be a disk that is not mounted, removes nothing at the start."`
	Settle   time.Duration `help:"Waits until a file has not been changed for this long, so that it is enrolled when it is whole." default:"2s"`
	Rescan   time.Duration `help:"Looks through the whole folder this often, for file systems that don't tell of changes, such as those of a network. 0: at the start, and when there were too many changes to be told of." default:"0"`
	IDPrefix string        `help:"Begins each id; what follows is the path below the folder, with slashes." name:"id-prefix" placeholder:"TEXT"`
	Thing    string        `help:"Says what thing a picture shows, as in siamese gallery enroll: folder, name or none." enum:"folder,name,none" default:"folder"`
	Meta     []string      `help:"Gives each entry this key=value as metadata; may be repeated." sep:"none" placeholder:"KEY=VALUE"`
	JSON     bool          `help:"Prints a JSON object a line: event (added, replaced, unchanged, removed or failed), id, file, error."`

	galleries.Name
	galleries.Flags
}

// Run enrolls what is there, and then what comes, until it is told to stop.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	metadata, err := gallery.Pairs("--meta", c.Meta)
	if err != nil {
		return err
	}
	if c.Settle <= 0 || c.Rescan < 0 {
		return cli.Usage(fmt.Errorf("--settle %v, --rescan %v: expected more than 0, and 0 (never) or more", c.Settle, c.Rescan))
	}
	tree, err := newTree(c.Dir)
	if err != nil {
		return err
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer events.Close() //nolint:errcheck // nothing is written by it
	tree.watch, tree.unwatch = events.Add, func(dir string) { unwatch(events, dir) }
	keeper, err := c.Open(ctx, s.Err)
	if err != nil {
		return err
	}
	w := &watcher{
		Command: c, keeper: keeper, tree: tree, events: events, out: s.Out, notes: s.Err,
		naming: gallery.Naming{Prefix: c.IDPrefix, Thing: c.Thing, Metadata: metadata},
	}
	err = w.run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil // it was to run until it is told to stop
	}
	return errors.Join(err, keeper.Close())
}

// unwatch ends the watching of a folder and of those below it. One that was given another
// name would tell of its files by the old one.
func unwatch(events *fsnotify.Watcher, dir string) {
	for _, watched := range events.WatchList() {
		if watched == dir || strings.HasPrefix(watched, dir+string(filepath.Separator)) {
			_ = events.Remove(watched) // the system may have done so itself
		}
	}
}

// watcher is a folder that is watched. It belongs to one goroutine.
type watcher struct {
	*Command
	keeper     galleries.Keeper
	tree       *tree
	events     *fsnotify.Watcher
	naming     gallery.Naming
	out, notes io.Writer

	retryAt time.Time // not before this is the gallery tried again; zero: it answered
	wait    time.Duration
}

// run looks through the folder, and then takes in what events tell.
func (w *watcher) run(ctx context.Context) error {
	if _, err := w.keeper.About(ctx, w.Gallery); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w.notes, "watching %s: %s\n", scorer.Printable(w.Dir), scorer.Count(len(w.tree.known), "picture", "pictures"))
	tick := time.NewTicker(max(w.Settle/4, time.Millisecond))
	defer tick.Stop()
	rescan := make(<-chan time.Time) // never
	if w.Rescan > 0 {
		ticker := time.NewTicker(w.Rescan)
		defer ticker.Stop()
		rescan = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-w.events.Events:
			w.tree.changed(event.Name, time.Now())
		case err := <-w.events.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return err
			}
			fmt.Fprintln(w.notes, "note: more changes than the system tells of: the folder is looked through again")
			w.tree.scan(time.Now())
		case <-rescan:
			w.tree.scan(time.Now())
		case <-tick.C:
			if err := w.settle(ctx); err != nil {
				return err
			}
		}
		w.tell()
	}
}

// start takes in what is there, and removes what is gone.
func (w *watcher) start(ctx context.Context) error {
	w.tree.scan(time.Now())
	w.tell()
	if err := w.enroll(ctx, w.tree.old(time.Now(), w.Settle)); err != nil {
		return err
	}
	if !w.Remove {
		return w.keeper.Rest(ctx)
	}
	there := make(map[string]bool)
	for _, path := range w.tree.all() {
		there[w.naming.ID(w.tree.root, path)] = true
	}
	if len(there) == 0 {
		fmt.Fprintf(w.notes, "note: %s has no pictures: nothing is removed at the start\n", scorer.Printable(w.Dir))
		return w.keeper.Rest(ctx)
	}
	var gone []string
	err := w.keeper.List(ctx, w.Gallery, galleries.Listing{}, func(entry galleries.Listed) error {
		if w.begins(entry.ID) && !there[entry.ID] {
			gone = append(gone, entry.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(w.remove(ctx, gone), w.keeper.Rest(ctx))
}

func (w *watcher) begins(id string) bool {
	return len(id) >= len(w.IDPrefix) && id[:len(w.IDPrefix)] == w.IDPrefix
}

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
	w.wait = min(max(2*w.wait, firstWait), mostWait)
	w.retryAt = now.Add(w.wait)
	fmt.Fprintf(w.notes, "error: %s: tried again in %v\n", scorer.Printable(err.Error()), w.wait)
	return nil
}

// tell tells of what can't be looked at.
func (w *watcher) tell() {
	for _, err := range w.tree.errors {
		fmt.Fprintf(w.notes, "error: %s\n", scorer.Printable(err.Error()))
	}
	w.tree.errors = nil
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
