// Package galleries says where galleries are, and does with them what commands ask for:
// in the store itself with a model in this process, or through a server.
package galleries

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/postgres"
)

// Location is a folder, or the URL of a database, which may have a password in it:
// printed and logged it shows none.
type Location string

// IsDatabase reports whether the location is a database's.
func (l Location) IsDatabase() bool {
	return strings.HasPrefix(string(l), "postgres://") || strings.HasPrefix(string(l), "postgresql://")
}

// check refuses a URL of anything else, of which a folder would be made by that name.
func (l Location) check() error {
	if scheme, _, ok := strings.Cut(string(l), "://"); ok && !l.IsDatabase() {
		return cli.Usage(fmt.Errorf("--galleries: received a URL that begins with %q, expected a folder, or postgres://user@host/database", scheme+"://"))
	}
	return nil
}

// oneLine is an error whose text may have several lines, as those of connections have.
type oneLine struct{ error }

// Error implements error.
func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n\t", " ") }

// Unwrap returns the error.
func (e oneLine) Unwrap() error { return e.error }

// String returns the location without what may be secret.
func (l Location) String() string {
	if l.IsDatabase() {
		return cli.URL(l).String()
	}
	return string(l)
}

// GoString returns what String does, for %#v.
func (l Location) GoString() string { return l.String() }

// ErrNoHome says that there is no folder for galleries by default.
var ErrNoHome = errors.New("neither XDG_DATA_HOME nor HOME is set: --galleries DIR says where to keep galleries")

// Default is the folder of galleries where none is named: what a user makes is not a
// cache that may be emptied.
func Default() (string, error) {
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "siamese", "galleries"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", ErrNoHome
	}
	return filepath.Join(home, ".local", "share", "siamese", "galleries"), nil
}

// Open opens the store at a location; empty: the default folder, or [ErrNoHome]. The
// caller closes it.
func Open(ctx context.Context, at Location, logger *slog.Logger) (gallery.Store, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	if at.IsDatabase() {
		store, err := postgres.Open(ctx, postgres.Config{URL: string(at), Log: logger})
		if err != nil {
			return nil, oneLine{fmt.Errorf("--galleries %s: %w", at, err)}
		}
		return store, nil // a nil *Store would be a Store that is not nil
	}
	folder := string(at)
	if folder == "" {
		var err error
		if folder, err = Default(); err != nil {
			return nil, err
		}
	}
	store, err := embedded.Open(embedded.Config{Dir: folder, Log: logger})
	if err != nil {
		return nil, fmt.Errorf("--galleries: %w", err)
	}
	return store, nil
}
