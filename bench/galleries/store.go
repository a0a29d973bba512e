package galleries

import (
	"context"
	"errors"
	"fmt"
	"time"

	"siamese/bench"
	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/postgres"
)

// Store is a kind of store, at a place of its own.
type Store interface {
	// Kind names it for a person.
	Kind() string
	// Place is what a server takes as its galleries.
	Place() string
	// Open opens it. Its caller closes the store.
	Open(ctx context.Context) (gallery.Store, error)
	// Index makes what searches are fast by. made is false where that is made by itself.
	Index(ctx context.Context, store gallery.Store, name string, metric *gallery.Metric) (made bool, err error)
	bars() storeBars
}

// storeBars are the bars of searches, in ms, by the number of entries.
type storeBars struct{ p50, p99, p50OfMillion float64 }

// Sizes of galleries that bars are of.
const (
	largeGallery = 1_000_000
	// Bars of 100,000 entries are those of all that are smaller, too.
	usualGallery = 100_000
)

// Embedded is the store in files of this folder, which must be empty.
type Embedded string

// Kind implements Store.
func (Embedded) Kind() string { return "embedded" }

// Place implements Store.
func (e Embedded) Place() string { return string(e) }

// Open implements Store.
func (e Embedded) Open(context.Context) (gallery.Store, error) {
	return embedded.Open(embedded.Config{Dir: string(e), LockTimeout: time.Minute})
}

// Index implements Store.
func (Embedded) Index(context.Context, gallery.Store, string, *gallery.Metric) (made bool, err error) {
	return false, nil
}

func (Embedded) bars() storeBars { return storeBars{p50: 10, p99: 25, p50OfMillion: 80} }

// Postgres is the store in the database of a URL.
type Postgres string

// Kind implements Store.
func (Postgres) Kind() string { return "PostgreSQL" }

// Place implements Store.
func (p Postgres) Place() string { return string(p) }

// Open implements Store.
func (p Postgres) Open(ctx context.Context) (gallery.Store, error) {
	return postgres.Open(ctx, postgres.Config{URL: string(p)})
}

// Index implements Store.
func (Postgres) Index(ctx context.Context, store gallery.Store, name string, metric *gallery.Metric) (made bool, err error) {
	database, ok := store.(*postgres.Store)
	if !ok {
		return false, fmt.Errorf("bench: received a store %T, expected one of PostgreSQL", store)
	}
	return true, database.BuildIndex(ctx, name, metric)
}

func (Postgres) bars() storeBars { return storeBars{p50: 25, p99: 60} }

// galleryPrefix begins the names of the galleries, which a run removes.
const galleryPrefix = "siamese-bench-"

// The galleries of a model: one with all entries, a small one for warming up, and one that
// pictures are enrolled in.
func (g Gallery) allName() string   { return galleryPrefix + g.Name + "-all" }
func (g Gallery) smallName() string { return galleryPrefix + g.Name + "-small" }
func (g Gallery) newName() string   { return galleryPrefix + g.Name + "-new" }

// smallGallery is how many entries the small one has.
const smallGallery = 200

// fillAtOnce is how many entries are put at a time.
const fillAtOnce = 2000

// fill makes the galleries.
func (g Gallery) fill(ctx context.Context) (rows []bench.Row, err error) {
	store, err := g.Store.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := g.remove(ctx, store); err != nil {
		return nil, err
	}
	for name, entries := range map[string]int{g.smallName(): min(smallGallery, g.Entries), g.newName(): 0} {
		if _, err := g.put(ctx, store, name, entries); err != nil {
			return nil, err
		}
	}
	g.say("filling it")
	took, err := g.put(ctx, store, g.allName(), g.Entries)
	if err != nil {
		return nil, err
	}
	rows = append(rows, bench.Figure(g.called("embeddings kept"), float64(g.Entries)/took.Seconds(), "entries/s"))
	begin := time.Now()
	g.say("indexing it")
	if made, err := g.Store.Index(ctx, store, g.allName(), g.Metric); err != nil || !made {
		return rows, err
	}
	return append(rows, bench.Figure(g.called("indexing"), time.Since(begin).Seconds(), "s")), nil
}

// put makes a gallery and puts entries into it. It returns how long the store took.
func (g Gallery) put(ctx context.Context, store gallery.Store, name string, entries int) (took time.Duration, err error) {
	length := g.query(0).Length()
	info := gallery.Info{Name: name, Model: g.Name, ModelDigest: g.Digest, EmbeddingLength: length, Created: time.Now()}
	if err := store.Create(ctx, info); err != nil {
		return 0, err
	}
	for from := 0; from < entries; from += fillAtOnce {
		some := make([]gallery.Entry, 0, fillAtOnce)
		for i, vector := range g.maker().vectors(from, min(from+fillAtOnce, entries)) {
			some = append(some, gallery.Entry{
				ID: entryName(from + i), Embedding: vector, ModelDigest: g.Digest, Familiarity: -1, Enrolled: time.Now(),
			})
		}
		begin := time.Now()
		if _, err := store.Put(ctx, name, some); err != nil {
			return 0, err
		}
		took += time.Since(begin)
	}
	return took, nil
}

// Remove removes the galleries of a run, which may have ended early.
func (g Gallery) Remove(ctx context.Context) (err error) {
	store, err := g.Store.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return g.remove(ctx, store)
}

func (g Gallery) remove(ctx context.Context, store gallery.Store) error {
	for _, name := range []string{g.allName(), g.smallName(), g.newName()} {
		if _, err := store.Delete(ctx, name); err != nil && !errors.Is(err, gallery.ErrNotFound) {
			return err
		}
	}
	return nil
}
