package serve

import (
	"context"
	"errors"
	"log/slog"

	"siamese/cmd/internal/doctor"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/gallery"
)

// galleryFlags say where galleries are, and who may do what with them.
type galleryFlags struct {
	Galleries         galleries.Location `help:"Keeps galleries in this folder, or in the database of a URL postgres://… (PostgreSQL with pgvector). off: keeps none. Empty: in siamese/galleries below $XDG_DATA_HOME or ~/.local/share, a folder that the first gallery makes." placeholder:"DIR"`
	MaxGalleries      int                `help:"Limits the galleries that there may be; more are refused. 0: no limit." default:"1000"`
	MaxGalleryEntries int                `help:"Limits the entries of one gallery, of which each takes some 0.6 kB of memory in a folder; more are refused. 0: no limit." default:"1000000"`
	GalleryRights     string             `help:"Names a file of lines NAME read|write|manage GALLERY that say what a token or certificate of that name, * for all, may do with a gallery, or with all that begin as one that ends in *. Empty: every caller may do all." name:"gallery-rights" placeholder:"FILE"`
}

// noGalleries turns galleries off.
const noGalleries = "off"

// openGalleries opens the store that the flag names; nil where there is none. Its caller
// closes it.
func (f galleryFlags) openGalleries(ctx context.Context, logger *slog.Logger) (gallery.Store, error) {
	if f.Galleries == noGalleries {
		return nil, nil //nolint:nilnil // no store, and that is as it was asked for
	}
	store, err := galleries.Open(ctx, f.Galleries, logger)
	if errors.Is(err, galleries.ErrNoHome) {
		logger.Info("no galleries", "reason", err)
		return nil, nil //nolint:nilnil // likewise
	}
	return store, err
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
		if folder, err = galleries.Default(); err != nil {
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
	if c.Galleries.IsDatabase() {
		return doctor.Fine(name, "%d in %s", len(all), c.Galleries)
	}
	check := doctor.Folder(name, folder, 0, flag)
	if check.Status == doctor.OK {
		return doctor.Fine(name, "%d; %s", len(all), check.Found)
	}
	return check
}
