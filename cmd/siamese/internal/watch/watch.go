// Package watch is the command `siamese watch`: pictures are enrolled in a gallery as
// they come into a folder.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/gallery"
	"siamese/cmd/siamese/internal/scorer"
	store "siamese/gallery"
)

// Command is `siamese watch`.
type Command struct {
	Dir string `arg:"" help:"The folder to watch, with all that is below it, now and later. Hidden files and folders, folders that are symbolic links, and files that are no pictures are passed over."`

	Remove   bool          `help:"Removes entries whose files are gone: at the start those of the gallery whose ids begin with --id-prefix, later what is deleted or moved away. Nothing is removed at the start by a folder without any picture, which may be a disk that is not mounted, nor while the folder is away."`
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

	away    bool      // the folder is not there
	retryAt time.Time // not before this is the gallery tried again; zero: it answered
	wait    time.Duration
}

// run looks through the folder, and then takes in what events tell.
func (w *watcher) run(ctx context.Context) error {
	if _, err := w.keeper.About(ctx, w.Gallery); err != nil {
		return err
	}
	if err := w.startAtLast(ctx); err != nil {
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
			w.take(event)
		case err := <-w.events.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return err
			}
			fmt.Fprintln(w.notes, "note: more changes than the system tells of: the folder is looked through again")
			w.rescan(time.Now())
		case <-rescan:
			w.rescan(time.Now())
		case <-tick.C:
			if !w.look(time.Now()) {
				continue
			}
			if err := w.settle(ctx); err != nil {
				return err
			}
		}
		w.tell()
	}
}

// take takes in what the system tells.
func (w *watcher) take(event fsnotify.Event) {
	if event.Name == w.tree.root && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
		w.tree.is = nil // what is called so now is another one, which look looks for
		return
	}
	w.tree.changed(event.Name, time.Now())
}

// startAtLast starts, again where the gallery goes away meanwhile. What fails before any
// picture was enrolled, and does not pass, will fail again.
func (w *watcher) startAtLast(ctx context.Context) error {
	for {
		err := w.start(ctx)
		switch {
		case err == nil:
			w.wait = 0
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case len(w.tree.known) == 0 && !isPassing(err):
			return err
		}
		w.later(err, time.Now())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(w.wait):
		}
	}
}

// isPassing reports whether an error may be over soon: the server is away or busy, or
// another program has the gallery open.
func isPassing(err error) bool {
	if failure, ok := errors.AsType[*client.Error](err); ok {
		return failure.RetryIn > 0 || failure.Code == codes.Unavailable || failure.Code == codes.DeadlineExceeded
	}
	return errors.Is(err, store.ErrInUse)
}

// start takes in what is there, and removes what is gone.
func (w *watcher) start(ctx context.Context) error {
	w.tree.unread = false
	w.tree.scan(time.Now())
	w.tell()
	if err := w.enroll(ctx, w.tree.old(time.Now(), w.Settle)); err != nil {
		return err
	}
	if w.Remove {
		if err := w.removeGone(ctx); err != nil {
			return err
		}
	}
	return w.keeper.Rest(ctx)
}

// removeGone removes the entries of files that went while nothing watched, unless the
// folder looks as if its disk were not there, or not to be read.
func (w *watcher) removeGone(ctx context.Context) error {
	there := make(map[string]bool)
	for _, path := range w.tree.all() {
		there[w.naming.ID(w.tree.root, path)] = true
	}
	if len(there) == 0 || w.tree.unread {
		why := "has no pictures"
		if w.tree.unread {
			why = "can't be read as a whole"
		}
		fmt.Fprintf(w.notes, "note: %s %s: nothing is removed at the start\n", scorer.Printable(w.Dir), why)
		return nil
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
	return w.remove(ctx, gone)
}

func (w *watcher) begins(id string) bool {
	return len(id) >= len(w.IDPrefix) && id[:len(w.IDPrefix)] == w.IDPrefix
}

// tell tells of what can't be looked at.
func (w *watcher) tell() {
	for _, err := range w.tree.errors {
		fmt.Fprintf(w.notes, "error: %s\n", scorer.Printable(err.Error()))
	}
	w.tree.errors = nil
}
