// Package gallery keeps pictures of things as embeddings, and finds those that are
// most like a picture.
//
// A [Store] keeps entries for good: package embedded in files of one process, package
// postgres in a database. A [Searcher] finds: the store brings the entries that
// are nearest by a [Metric], which is cheap, and the network's head scores the best of
// them, so that a similarity is the one that comparing the two pictures gives.
//
// The package knows no images, no wire types and no TensorFlow.
package gallery

import (
	"context"
	"crypto/sha256"
	"maps"
	"time"
)

// Info describes a gallery.
type Info struct {
	// Name is as [CheckName] wants it.
	Name string
	// Model is the name by which its model is asked for, and ModelDigest that of the
	// weights whose embeddings are searched.
	Model, ModelDigest string
	// EmbeddingLength is how many numbers an embedding of that model has.
	EmbeddingLength int
	// KeepPictures and KeepThumbnails say what entries keep beside their embeddings.
	KeepPictures, KeepThumbnails bool
	// Created is when it was made.
	Created time.Time
}

// Entry is a picture of a thing. An entry from a store must not be changed.
type Entry struct {
	// ID is unique within the gallery, as [CheckID] wants it.
	ID string
	// Thing is what it shows; empty: it is a thing by itself, named as the entry.
	Thing string
	// Metadata is what its owner wants to know of it, as [CheckMetadata] wants it.
	Metadata map[string]string

	// Embedding is what the model with ModelDigest made of the picture.
	Embedding   Vector
	ModelDigest string

	// PictureDigest is the SHA-256 of the picture's bytes; zero where it came as an
	// embedding.
	PictureDigest [sha256.Size]byte
	// Familiarity is how familiar the picture is to the model, 0..1; negative where
	// that was not told.
	Familiarity float32

	// Picture is its bytes as they came, and Thumbnail a small JPEG of it; nil where
	// they are not kept, or were not asked for.
	Picture, Thumbnail []byte

	// Enrolled is when it was put into the store, to the millisecond.
	Enrolled time.Time
}

// Name is the thing that the entry shows.
func (e *Entry) Name() string {
	if e.Thing == "" {
		return e.ID
	}
	return e.Thing
}

// Same reports whether e and other differ in nothing but when they were enrolled, and
// what is kept of their pictures.
func (e *Entry) Same(other *Entry) bool {
	return e.ID == other.ID && e.Thing == other.Thing && e.ModelDigest == other.ModelDigest &&
		e.PictureDigest == other.PictureDigest && maps.Equal(e.Metadata, other.Metadata) &&
		e.Embedding.Equal(other.Embedding)
}

// Outcome says what became of an entry that was put into a store.
type Outcome int

// Outcomes.
const (
	// Added: there was none of its id.
	Added Outcome = iota + 1
	// Replaced: it took the place of another one.
	Replaced
	// Unchanged: there was one that is the Same.
	Unchanged
)

// CanRenew reports whether e is of the same picture as the entry that a store has, which is
// of another model: see Store.Renew.
func (e *Entry) CanRenew(stored *Entry) bool {
	return e.hasPictureOf(stored) && e.ModelDigest != stored.ModelDigest
}

// Filter selects the entries that have all of its keys with its values. An empty one
// selects all.
type Filter map[string]string

// Selects reports whether the entry is among those that the filter selects.
func (f Filter) Selects(e *Entry) bool {
	for key, value := range f {
		if has, ok := e.Metadata[key]; !ok || has != value {
			return false
		}
	}
	return true
}

// Listing says which entries Store.List returns.
type Listing struct {
	// After is the id behind which the page begins; empty: at the first.
	After string
	// Limit is how many entries at most, from 1.
	Limit int
	// Filter, Thing and NotOfModel leave out entries that they do not select, that show
	// something else, and whose ModelDigest is this one. Zero: nothing is left out.
	Filter     Filter
	Thing      string
	NotOfModel string
	// With says what of the entries is wanted beside what is always there.
	With Parts
}

// Parts are the parts of entries that are large.
type Parts struct{ Embedding, Picture, Thumbnail bool }

// Count is how many entries a gallery has.
type Count struct {
	// Entries are all.
	Entries int
	// Stale are those whose embeddings are not of the gallery's model.
	Stale int
}

// Query says which entries Store.Nearest returns.
type Query struct {
	// Embedding is of the gallery's model, and Metric that model's.
	Embedding Vector
	Metric    *Metric
	// Limit is how many entries, from 1.
	Limit int
	// Filter leaves out entries that it does not select.
	Filter Filter
}

// Candidate is an entry that is near by the metric.
type Candidate struct {
	// Entry has its embedding, and neither picture nor thumbnail.
	Entry
	// Distance is the metric's, of which candidates that come first have less. It may
	// be off by what a store's index rounds.
	Distance float32
}

// Store keeps galleries. It is safe for concurrent use. Errors: [ErrNotFound],
// [ErrExists], [ErrDamaged], [ErrInUse], [ErrUnavailable], [ErrClosed], those of ctx, and what the store's medium
// says.
type Store interface {
	// Create makes an empty gallery. [ErrExists] where there is one of its name.
	Create(ctx context.Context, info Info) error
	// Galleries returns all galleries, by name.
	Galleries(ctx context.Context) ([]Info, error)
	// Gallery returns one.
	Gallery(ctx context.Context, name string) (Info, error)
	// Update replaces what is known of a gallery; its name and Created stay. Entries of
	// a model other than info.ModelDigest are stale from then on.
	Update(ctx context.Context, info Info) error
	// Delete removes a gallery with all its entries, and returns how many there were.
	Delete(ctx context.Context, name string) (int, error)
	// Count returns how many entries a gallery has.
	Count(ctx context.Context, name string) (Count, error)

	// Put keeps entries, all of them or none: when it returns without an error they
	// are there after any crash of the program or the machine. Of entries with the
	// same id the last one stays. It keeps nothing of its arguments.
	Put(ctx context.Context, name string, entries []Entry) ([]Outcome, error)
	// Renew puts what the gallery's model has made of pictures in the place of what
	// another model had, all of it or nothing, and returns of how many entries. It takes
	// Embedding, ModelDigest and Familiarity, and Thumbnail where there is one; what else is
	// known of an entry stays. Those that have been removed or got another picture
	// since, or are of the model already, stay as they are, also where another program
	// changes them meanwhile; and so do entries without a PictureDigest, and all where the
	// gallery's model is not theirs any more.
	Renew(ctx context.Context, name string, entries []Entry) (int, error)
	// Remove removes the entries with these ids, and returns how many there were.
	Remove(ctx context.Context, name string, ids []string) (int, error)
	// RemoveThing removes all entries that show the thing, likewise.
	RemoveThing(ctx context.Context, name, thing string) (int, error)
	// Get returns the entries with these ids, in no particular order, those that there
	// are none of left out.
	Get(ctx context.Context, name string, ids []string, with Parts) ([]Entry, error)
	// List returns a page of entries in the order of their ids, by bytes.
	List(ctx context.Context, name string, listing Listing) ([]Entry, error)

	// Nearest returns the entries of the gallery's model that are nearest to a query,
	// nearest first.
	Nearest(ctx context.Context, name string, query Query) ([]Candidate, error)

	// Close ends the store; later calls fail with [ErrClosed]. Closing twice is
	// harmless.
	Close() error
}
