package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
	store "siamese/gallery"
)

type enrollCommand struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"The pictures to enroll: files, and folders with all that is below them (hidden files, and files that are no pictures, are passed over)."`

	CSV      string   `help:"Enrolls the pictures of this CSV file, whose first line names the columns: file, by a path that counts from the list's folder, id (the path as it is written where there is none), thing, and all others as metadata." name:"csv" placeholder:"FILE"`
	IDPrefix string   `help:"Begins each id; what follows is the path below the folder that is named, with slashes. Without it entries of several folders of the same names take each other's place." name:"id-prefix" placeholder:"TEXT"`
	Thing    string   `help:"Says what thing a picture shows: folder (the path of the folder that it is in, below the one that is named; right in that, the folder's own name), name (the file's without its ending) or none (each is a thing by itself)." enum:"folder,name,none" default:"folder"`
	Meta     []string `help:"Gives each entry this key=value as metadata; may be repeated." sep:"none" placeholder:"KEY=VALUE"`

	galleries.Name
	galleries.Flags
}

// Run enrolls the pictures. Those that can't be used make it fail in the end, after the
// others were kept.
func (c *enrollCommand) Run(ctx context.Context, s cli.Streams) error {
	metadata, err := Pairs("--meta", c.Meta)
	if err != nil {
		return err
	}
	if (len(c.Dirs) == 0) == (c.CSV == "") {
		return cli.Usage(errors.New("expected either folders or --csv FILE"))
	}
	entries, failed, err := c.entries(ctx, s.Err, metadata)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("no pictures among %q", append(slices.Clone(c.Dirs), c.CSV))
	}
	screen := progress.New(s.Err, "pictures")
	keeper, err := c.Open(ctx, screen)
	return with(keeper, err, func(k galleries.Keeper) error {
		e := Enrolment{Keeper: k, Gallery: c.Gallery, Errors: screen}
		err := e.All(ctx, entries, func(done int) { screen.Done(done, len(entries)) })
		screen.Close()
		if err != nil {
			return stopped(ctx, err, e.Done()+", and are kept")
		}
		if _, err := fmt.Fprintf(s.Out, "%s: %s\n", c.Gallery, e.Done()); err != nil {
			return err
		}
		e.tellForeign(s.Err)
		if n := e.Failed + failed; n > 0 {
			return fmt.Errorf("%d of %d could not be used", n, len(entries)+failed)
		}
		return nil
	})
}

// entries are what is to be enrolled.
func (c *enrollCommand) entries(ctx context.Context, notes io.Writer, metadata map[string]string) (entries []galleries.Entry, failed int, err error) {
	if c.CSV != "" {
		entries, err = readList(c.CSV, c.IDPrefix, metadata)
		return entries, 0, err
	}
	naming := Naming{Prefix: c.IDPrefix, Thing: c.Thing, Metadata: metadata}
	for _, dir := range c.Dirs {
		some, n, err := naming.Find(ctx, dir, notes)
		if err != nil {
			return nil, 0, err
		}
		entries, failed = append(entries, some...), failed+n
	}
	return entries, failed, twice(entries)
}

// twice refuses two pictures of one id: which stays would be chance.
func twice(entries []galleries.Entry) error {
	seen := make(map[string]string, len(entries))
	for _, entry := range entries {
		if other, ok := seen[entry.ID]; ok && other != entry.Picture.Name {
			return fmt.Errorf("%s and %s have the same id %q, expected one picture an id: enroll the folders one after the other, with --id-prefix", other, entry.Picture.Name, entry.ID)
		}
		seen[entry.ID] = entry.Picture.Name
	}
	return nil
}

// Enrolment puts entries into a gallery, and counts what became of them.
type Enrolment struct {
	Keeper  galleries.Keeper
	Gallery string
	// Errors takes a line for each entry that failed.
	Errors io.Writer

	Added, Replaced, Unchanged, Failed, Foreign int
}

// All enrolls entries. progress is told how many are done.
func (e *Enrolment) All(ctx context.Context, entries []galleries.Entry, progress func(done int)) error {
	done := 0
	for some := range slices.Chunk(entries, galleries.AtOnce) {
		outcomes, err := e.Keeper.Enroll(ctx, e.Gallery, some)
		if err != nil {
			return err
		}
		for i, outcome := range outcomes {
			e.count(some[i], outcome)
		}
		done += len(some)
		progress(done)
	}
	return nil
}

func (e *Enrolment) count(entry galleries.Entry, outcome galleries.Outcome) {
	if outcome.Foreign {
		e.Foreign++
	}
	switch {
	case outcome.Err != nil:
		e.Failed++
		fmt.Fprintf(e.Errors, "error: %s\n", scorer.Printable((&scorer.PictureError{Name: entry.Picture.Name, Err: pictureCause(outcome.Err)}).Error()))
	case outcome.Outcome == store.Added:
		e.Added++
	case outcome.Outcome == store.Replaced:
		e.Replaced++
	default:
		e.Unchanged++
	}
}

// pictureCause is an error without the picture's name.
func pictureCause(err error) error {
	if failure, ok := errors.AsType[*scorer.PictureError](err); ok {
		return failure.Err
	}
	return err
}

// Done says what became of the entries.
func (e *Enrolment) Done() string {
	return fmt.Sprintf("%d added, %d replaced, %s there already", e.Added, e.Replaced, scorer.Count(e.Unchanged, "was", "were"))
}

func (e *Enrolment) tellForeign(notes io.Writer) {
	if e.Foreign > 0 {
		fmt.Fprintf(notes, "warning: %s unlike those that the model knows: such similarities mean little\n", scorer.Count(e.Foreign, "picture is", "pictures are"))
	}
}
