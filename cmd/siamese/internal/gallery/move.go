package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery/archive"
	"siamese/internal/atomicfile"
	"siamese/internal/regular"
)

type backupCommand struct {
	File string `arg:"" help:"The file to write, or - for standard output. It appears when it is whole, for its owner alone to read, and takes the place of a backup that is there, of no other file."`

	galleries.Name
	galleries.Place
}

// Run writes the backup.
func (c *backupCommand) Run(ctx context.Context, s cli.Streams) error {
	if c.File != "-" {
		if err := replaceable(c.File); err != nil {
			return cli.Usage(err)
		}
	}
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		if c.File == "-" {
			return k.Backup(ctx, c.Gallery, s.Out)
		}
		err := atomicfile.ReplacePrivate(c.File, func(w io.Writer) error { return k.Backup(ctx, c.Gallery, w) })
		if err != nil {
			return stopped(ctx, err, "nothing was written")
		}
		info, err := os.Stat(c.File)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s: %d bytes of gallery %s\n", scorer.Printable(c.File), info.Size(), c.Gallery)
		return err
	})
}

// replaceable refuses to write a backup over what is none, such as a gallery's own file.
func replaceable(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	file, err := regular.Open(path, 1<<62)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := archive.NewReader(file); errors.Is(err, archive.ErrNoBackup) {
		return fmt.Errorf("%s: received a file that is no backup, expected one, or a name that is free: nothing is written over it", path)
	}
	return nil // also one that is damaged, or of another version
}

type restoreCommand struct {
	File string `arg:"" help:"What backup wrote, or - for standard input."`

	galleries.Name
	galleries.Place
}

// Run makes the gallery.
func (c *restoreCommand) Run(ctx context.Context, s cli.Streams) error {
	in := s.In
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		if err := k.Restore(ctx, c.Gallery, in); err != nil {
			return stopped(ctx, err, "nothing was made of it")
		}
		about, err := k.About(ctx, c.Gallery)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s: a gallery of the model %s, with %s\n", about.Name, scorer.Printable(about.Model), entriesOf(about.Entries))
		return err
	})
}

type reindexCommand struct {
	JSON bool `help:"Prints a JSON object: encoded, missing, entries, missing_ids."`

	galleries.Name
	galleries.Flags
}

// movedObject is what a reindex did, as JSON.
type movedObject struct {
	Encoded    int      `json:"encoded"`
	Missing    int      `json:"missing"`
	Entries    int      `json:"entries"`
	MissingIDs []string `json:"missing_ids,omitempty"`
}

// Run moves the gallery, and fails where entries have to be enrolled again.
func (c *reindexCommand) Run(ctx context.Context, s cli.Streams) error {
	screen := progress.New(s.Err, "entries")
	keeper, err := c.Open(ctx, screen)
	return with(keeper, err, func(k galleries.Keeper) error {
		moved, err := k.Reindex(ctx, c.Gallery, func(m galleries.Moved) { screen.Done(m.Encoded+m.Missing, m.Entries) })
		screen.Close()
		if err != nil {
			return stopped(ctx, err, ofModel(moved)+" now; the next reindex goes on")
		}
		if c.JSON {
			err = encode(s.Out, movedObject(moved))
		} else {
			_, err = fmt.Fprintf(s.Out, "%s: %s\n", c.Gallery, ofModel(moved))
			for _, id := range moved.MissingIDs {
				fmt.Fprintf(s.Err, "missing: %s\n", scorer.Printable(id))
			}
		}
		if moved.Missing > 0 {
			err = errors.Join(err, fmt.Errorf("%s no picture that can be encoded: enroll again what siamese gallery list --stale lists", scorer.Count(moved.Missing, "entry keeps", "entries keep")))
		}
		return err
	})
}

// ofModel says how far a reindex is.
func ofModel(m galleries.Moved) string {
	verb := "are"
	if m.Encoded == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%d of %s %s of the model", m.Encoded, entriesOf(m.Entries), verb)
}
