package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/doctor"
	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/postgres"
)

// galleryFlags say where galleries are, and who may do what with them.
type galleryFlags struct {
	Galleries     location `help:"Keeps galleries in this folder, or in the database of a URL postgres://… (PostgreSQL with pgvector). off: keeps none. Empty: in siamese/galleries below $XDG_DATA_HOME or ~/.local/share, a folder that the first gallery makes." placeholder:"DIR"`
	GalleryRights string   `help:"Names a file of lines NAME read|write|manage GALLERY that say what a token or certificate of that name, * for all, may do with a gallery, or with all that begin as one that ends in *. Empty: every caller may do all." name:"gallery-rights" placeholder:"FILE"`
}

// location is a folder, or the URL of a database, which may have a password in it:
// printed and logged it shows none.
type location string

// noGalleries turns galleries off.
const noGalleries = "off"

// isDatabase reports whether the location is a database's.
func (l location) isDatabase() bool {
	return strings.HasPrefix(string(l), "postgres://") || strings.HasPrefix(string(l), "postgresql://")
}

// String returns the location without what may be secret.
func (l location) String() string {
	if l.isDatabase() {
		return cli.URL(l).String()
	}
	return string(l)
}

// GoString returns what String does, for %#v.
func (l location) GoString() string { return l.String() }

// errNoHome says that there is no folder for galleries by default.
var errNoHome = errors.New("neither XDG_DATA_HOME nor HOME is set: --galleries DIR says where to keep galleries")

// defaultGalleries is the folder of galleries where none is named: what a user makes is
// not a cache that may be emptied.
func defaultGalleries() (string, error) {
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "siamese", "galleries"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errNoHome
	}
	return filepath.Join(home, ".local", "share", "siamese", "galleries"), nil
}

// openGalleries opens the store that the flag names; nil where there is none. Its caller
// closes it.
func (f galleryFlags) openGalleries(ctx context.Context, logger *slog.Logger) (gallery.Store, error) {
	folder := string(f.Galleries)
	switch {
	case folder == noGalleries:
		return nil, nil //nolint:nilnil // no store, and that is as it was asked for
	case f.Galleries.isDatabase():
		store, err := postgres.Open(ctx, postgres.Config{URL: folder, Log: logger})
		if err != nil {
			return nil, fmt.Errorf("--galleries %s: %w", f.Galleries, err)
		}
		return store, nil
	case folder == "":
		var err error
		if folder, err = defaultGalleries(); err != nil {
			logger.Info("no galleries", "reason", err)
			return nil, nil //nolint:nilnil // likewise
		}
	}
	store, err := embedded.Open(embedded.Config{Dir: folder, Log: logger})
	if err != nil {
		return nil, fmt.Errorf("--galleries: %w", err)
	}
	return store, nil
}

// closeGalleries closes a store when nothing uses it any more.
func closeGalleries(store gallery.Store, logger *slog.Logger) {
	if store == nil {
		return
	}
	if err := store.Close(); err != nil {
		logger.Error("close galleries", "err", err)
	}
}

// checkGalleries says whether galleries can be kept, and read.
func (c *Command) checkGalleries(ctx context.Context) doctor.Check {
	const name, flag = "galleries", "--galleries"
	folder := string(c.Galleries)
	switch folder {
	case noGalleries:
		return doctor.Fine(name, "none are kept")
	case "":
		var err error
		if folder, err = defaultGalleries(); err != nil {
			return doctor.Warn(name, err.Error(), "name a folder: "+flag+" DIR, or say that there are none: "+flag+" "+noGalleries)
		}
	}
	store, err := c.openGalleries(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return doctor.Fail(name, err.Error(), flag+" takes a folder, a database postgres://…, or "+noGalleries)
	}
	defer store.Close() //nolint:errcheck // the process ends soon
	all, err := store.Galleries(ctx)
	if err != nil {
		return doctor.Fail(name, err.Error(), "stop what else has them open, restore a backup, or name another folder: "+flag+" DIR")
	}
	if c.Galleries.isDatabase() {
		return doctor.Fine(name, "%d in %s", len(all), c.Galleries)
	}
	check := doctor.Folder(name, folder, 0, flag)
	if check.Status == doctor.OK {
		return doctor.Fine(name, "%d; %s", len(all), check.Found)
	}
	return check
}
