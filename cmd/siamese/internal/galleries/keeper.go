package galleries

import (
	"context"
	"io"

	"siamese/client"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
)

// Keeper is what keeps galleries: the store of a folder with a model in this process, or
// a server. It belongs to one goroutine.
type Keeper interface {
	// Create makes an empty gallery, or returns the one of that name if it has the same
	// model and choices.
	Create(ctx context.Context, name string, choices Choices) (About, error)
	// About tells what a gallery holds.
	About(ctx context.Context, name string) (About, error)
	// All tells of all galleries, by name.
	All(ctx context.Context) ([]About, error)
	// Delete removes a gallery, and returns how many entries went with it.
	Delete(ctx context.Context, name string) (int, error)

	// Enroll keeps entries, at most [AtOnce], and returns what became of each. Those
	// that did not fail are kept for good when it returns.
	Enroll(ctx context.Context, name string, entries []Entry) ([]Outcome, error)
	// Remove removes entries by their ids, and all of some things, and returns how many
	// there were.
	Remove(ctx context.Context, name string, ids, things []string) (int, error)
	// List calls yield with entries in the order of their ids, until it returns an error.
	List(ctx context.Context, name string, listing Listing, yield func(Listed) error) error
	// Identify says which things a picture may show, best first.
	Identify(ctx context.Context, name string, picture scorer.Picture, search Search) (Identified, error)
	// Reindex moves a gallery to the model as it is now. tell is told how far it is.
	Reindex(ctx context.Context, name string, tell func(Moved)) (Moved, error)

	// Backup writes a gallery, and Restore makes one of what Backup wrote.
	Backup(ctx context.Context, name string, to io.Writer) error
	Restore(ctx context.Context, name string, from io.Reader) error

	// Rest lets other programs use what is kept in files, until the next call.
	Rest(ctx context.Context) error
	Close() error
}

// AtOnce is how many entries are enrolled in one go: enough to fill a GPU's batch.
const AtOnce = 64

// Choices are what is chosen when a gallery is made.
type Choices struct{ KeepPictures, KeepThumbnails bool }

// About is what is told of a gallery.
type About struct {
	gallery.Info
	gallery.Count
}

// Entry is a picture to enroll.
type Entry struct {
	ID, Thing string
	Metadata  map[string]string
	Picture   scorer.Picture
}

// Outcome says what became of an entry.
type Outcome struct {
	gallery.Outcome
	// Foreign says that the picture is foreign to the model.
	Foreign bool
	// Err is why it was not kept; nil: it was.
	Err error
}

// Listing says which entries are listed.
type Listing struct {
	Filter gallery.Filter
	Thing  string
	Stale  bool // those of another model alone
}

// Listed is an entry that is listed.
type Listed struct {
	gallery.Entry
	Stale bool // its embedding is of another model
}

// Search says what Identify looks for.
type Search struct {
	Top           int
	MinSimilarity float32
	Filter        gallery.Filter
	Threshold     *float32 // nil: the model's
}

// Identified are the things that a picture may show.
type Identified struct {
	Matches     []Match
	Threshold   float32
	Model       string
	Familiarity *client.Familiarity // nil where the model does not tell
	Warning     string              // a sentence for people; empty: there is nothing to say
}

// Match is a thing that a picture may show.
type Match struct {
	gallery.Entry // the one that is most like it
	Similarity    float32
	Same          bool
}

// Moved is how far a reindex is.
type Moved struct {
	Encoded, Missing, Entries int
	// MissingIDs are entries that have to be sent again, the first thousand.
	MissingIDs []string
}
