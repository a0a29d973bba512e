package galleries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
	"siamese/gallery/archive"
)

// local keeps galleries in a folder, and has a model in this process.
type local struct {
	at    Location
	store gallery.Store
	flags scorer.Flags
	score scorer.ScoreFlags // of pictures to identify
	notes io.Writer

	by     scorer.Scorer // nil before a model is needed
	model  scorer.Model
	metric *gallery.Metric
}

// openStore opens the store. What needs somebody's attention is logged.
func (l *local) openStore(ctx context.Context) error {
	logger := slog.New(once{slog.NewTextHandler(l.notes, &slog.HandlerOptions{Level: slog.LevelWarn}), new(sync.Map)})
	store, err := Open(ctx, l.at, logger)
	if err == nil {
		l.store = store
	}
	return err
}

// once logs each message once: a person who waits need not be told each time that a
// database does not answer. It may be called concurrently.
type once struct {
	slog.Handler
	told *sync.Map // of messages
}

// Handle implements slog.Handler.
func (h once) Handle(ctx context.Context, record slog.Record) error {
	if _, told := h.told.LoadOrStore(record.Message, true); told {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h once) WithAttrs(attrs []slog.Attr) slog.Handler {
	return once{h.Handler.WithAttrs(attrs), h.told}
}

// WithGroup implements slog.Handler.
func (h once) WithGroup(name string) slog.Handler { return once{h.Handler.WithGroup(name), h.told} }

// Rest implements Keeper.
func (l *local) Rest(ctx context.Context) error {
	if l.at.IsDatabase() {
		return nil
	}
	return errors.Join(l.store.Close(), l.openStore(ctx))
}

// Close implements Keeper.
func (l *local) Close() error {
	var err error
	if l.by != nil {
		err = l.by.Close()
	}
	return errors.Join(err, l.store.Close())
}

// locate says what a user can do about an error of the store.
func locate(err error, name string) error {
	switch {
	case errors.Is(err, gallery.ErrNotFound):
		return fmt.Errorf("there is no gallery %q where --galleries says, or by default: siamese gallery create %s makes it, siamese gallery list lists all: %w", name, name, err)
	case errors.Is(err, gallery.ErrInUse):
		return fmt.Errorf("%w: where it is a server, ask that with --server", err)
	case errors.Is(err, gallery.ErrExists):
		return fmt.Errorf("%w: expected another name, or siamese gallery delete %s before", err, name)
	case errors.Is(err, gallery.ErrUnavailable):
		return oneLine{err}
	}
	return err
}

// openModel opens the model of the flags, else the one of a name.
func (l *local) openModel(ctx context.Context, name string) error {
	if l.by != nil {
		return nil
	}
	flags := l.flags
	if flags.Model == "auto" {
		return cli.Usage(errors.New("--model auto: a gallery belongs to one model, expected its name"))
	}
	if flags.Model == "" && name != "" {
		if !isBuiltIn(name) {
			return fmt.Errorf("the gallery belongs to the model %q, which is not built in: --model says where its files are", name)
		}
		flags.Model = name
	}
	by, err := flags.Open(ctx, l.notes, l.score)
	if err != nil {
		return err
	}
	l.by = by
	if l.model, err = by.Embedder(ctx); err == nil {
		l.metric, err = by.Metric(ctx)
	}
	return err
}

func isBuiltIn(name string) bool {
	return slices.ContainsFunc(network.BuiltIn(), func(m network.BuiltInModel) bool { return m.Name == name })
}

// modelName is what a gallery of the model that is open calls it: as a server does that
// serves the files.
func (l *local) modelName() string {
	if isBuiltIn(l.model.Name) {
		return l.model.Name
	}
	base := filepath.Base(l.flags.Model)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// open opens a gallery with its model.
func (l *local) open(ctx context.Context, name string) (gallery.Info, error) {
	info, err := l.store.Gallery(ctx, name)
	if err != nil {
		return info, locate(err, name)
	}
	if err := l.openModel(ctx, info.Model); err != nil {
		return info, err
	}
	if l.model.Digest != info.ModelDigest {
		return info, fmt.Errorf("gallery %s: its embeddings are of the model %s with digest %s, and this one is %s with %s: siamese gallery reindex --gallery %s moves it",
			name, info.Model, short(info.ModelDigest), l.model.Name, short(l.model.Digest), name)
	}
	return info, nil
}

// short is the beginning of a digest, for people.
func short(digest string) string { return digest[:min(len(digest), 12)] }

// Create implements Keeper.
func (l *local) Create(ctx context.Context, name string, choices Choices) (About, error) {
	if err := gallery.CheckName(name); err != nil {
		return About{}, err
	}
	if err := l.openModel(ctx, ""); err != nil {
		return About{}, err
	}
	info := gallery.Info{
		Name: name, Model: l.modelName(), ModelDigest: l.model.Digest, EmbeddingLength: l.model.Length,
		KeepPictures: choices.KeepPictures, KeepThumbnails: choices.KeepThumbnails, Created: time.Now(),
	}
	err := l.store.Create(ctx, info)
	if err != nil && !errors.Is(err, gallery.ErrExists) {
		return About{}, err
	}
	about, aboutErr := l.About(ctx, name)
	if aboutErr != nil {
		return About{}, aboutErr
	}
	info.Created = about.Created
	if about.Info != info {
		return About{}, fmt.Errorf("there is a gallery %q already, of the model %s (%s), keep pictures %t, thumbnails %t: expected another name, or the same choices",
			name, about.Model, short(about.ModelDigest), about.KeepPictures, about.KeepThumbnails)
	}
	return about, nil
}

// About implements Keeper.
func (l *local) About(ctx context.Context, name string) (About, error) {
	info, err := l.store.Gallery(ctx, name)
	if err != nil {
		return About{}, locate(err, name)
	}
	count, err := l.store.Count(ctx, name)
	return About{info, count}, locate(err, name)
}

// All implements Keeper.
func (l *local) All(ctx context.Context) ([]About, error) {
	infos, err := l.store.Galleries(ctx)
	if err != nil {
		return nil, locate(err, "")
	}
	var all []About
	for _, info := range infos {
		about, err := l.About(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, about)
	}
	return all, nil
}

// Delete implements Keeper.
func (l *local) Delete(ctx context.Context, name string) (int, error) {
	n, err := l.store.Delete(ctx, name)
	return n, locate(err, name)
}

// Remove implements Keeper.
func (l *local) Remove(ctx context.Context, name string, ids, things []string) (int, error) {
	removed, err := l.store.Remove(ctx, name, ids)
	for _, thing := range things {
		if err != nil {
			break
		}
		var n int
		n, err = l.store.RemoveThing(ctx, name, thing)
		removed += n
	}
	return removed, locate(err, name)
}

// pageEntries is how many entries are listed at a time.
const pageEntries = 500

// List implements Keeper.
func (l *local) List(ctx context.Context, name string, listing Listing, yield func(Listed) error) error {
	info, err := l.store.Gallery(ctx, name)
	if err != nil {
		return locate(err, name)
	}
	own := gallery.Listing{Limit: pageEntries, Filter: listing.Filter, Thing: listing.Thing}
	if listing.Stale {
		own.NotOfModel = info.ModelDigest
	}
	for {
		page, err := l.store.List(ctx, name, own)
		if err != nil {
			return locate(err, name)
		}
		for _, entry := range page {
			if err := yield(Listed{entry, entry.ModelDigest != info.ModelDigest}); err != nil {
				return err
			}
		}
		if len(page) < pageEntries {
			return nil
		}
		own.After = page[len(page)-1].ID
	}
}

// Backup implements Keeper.
func (l *local) Backup(ctx context.Context, name string, to io.Writer) error {
	return locate(archive.Write(ctx, l.store, name, to), name)
}

// Restore implements Keeper.
func (l *local) Restore(ctx context.Context, name string, from io.Reader) error {
	return locate(archive.Restore(ctx, l.store, name, from), name)
}
