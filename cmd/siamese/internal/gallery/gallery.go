// Package gallery is the command `siamese gallery`: pictures of things are kept under
// names, and pictures are told by them.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese gallery`.
type Command struct {
	Create   createCommand   `cmd:"" help:"Make an empty gallery."`
	Enroll   enrollCommand   `cmd:"" help:"Put the pictures of folders, or of a list, into a gallery."`
	Identify identifyCommand `cmd:"" help:"Say which things of a gallery pictures may show."`
	List     listCommand     `cmd:"" help:"List a gallery's entries, or all galleries."`
	Info     infoCommand     `cmd:"" help:"Tell what a gallery holds."`
	Remove   removeCommand   `cmd:"" help:"Remove entries from a gallery."`
	Delete   deleteCommand   `cmd:"" help:"Remove a gallery with all its entries."`
	Backup   backupCommand   `cmd:"" help:"Write a gallery to a file."`
	Restore  restoreCommand  `cmd:"" help:"Make a gallery of what backup wrote."`
	Reindex  reindexCommand  `cmd:"" help:"Move a gallery to the model as it is now, or to another one."`
}

// with runs a command on what keeps galleries, and closes it.
func with(keeper galleries.Keeper, err error, run func(galleries.Keeper) error) error {
	if err != nil {
		return err
	}
	return errors.Join(run(keeper), keeper.Close())
}

// stopped is the error of work that was not done to its end.
func stopped(ctx context.Context, err error, done string) error {
	if err == nil {
		return nil
	}
	if interrupted := cli.Interrupted(ctx, done); interrupted != nil {
		return interrupted
	}
	return err
}

type createCommand struct {
	Name           string `arg:"" help:"Its name: 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit."`
	KeepPictures   bool   `help:"Keeps the bytes of pictures, so that reindex can encode them again when the model changes."`
	KeepThumbnails bool   `help:"Keeps thumbnails of 160 pixels."`

	galleries.Flags
}

// Run makes the gallery.
func (c *createCommand) Run(ctx context.Context, s cli.Streams) error {
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		about, err := k.Create(ctx, c.Name, galleries.Choices{KeepPictures: c.KeepPictures, KeepThumbnails: c.KeepThumbnails})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s: a gallery of the model %s, with %s\n", about.Name, scorer.Printable(about.Model), entriesOf(about.Entries))
		return err
	})
}

type infoCommand struct {
	Name string `arg:"" help:"The gallery."`
	JSON bool   `help:"Prints a JSON object."`

	galleries.Place
}

// aboutObject is a gallery as JSON.
type aboutObject struct {
	Name           string    `json:"name"`
	Model          string    `json:"model"`
	ModelDigest    string    `json:"model_digest"`
	Entries        int       `json:"entries"`
	Stale          int       `json:"stale_entries"`
	KeepPictures   bool      `json:"keep_pictures"`
	KeepThumbnails bool      `json:"keep_thumbnails"`
	Created        time.Time `json:"created"`
}

func object(a galleries.About) aboutObject {
	return aboutObject{a.Name, a.Model, a.ModelDigest, a.Entries, a.Stale, a.KeepPictures, a.KeepThumbnails, a.Created.UTC()}
}

// Run tells of the gallery.
func (c *infoCommand) Run(ctx context.Context, s cli.Streams) error {
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		about, err := k.About(ctx, c.Name)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(s.Out, object(about))
		}
		table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "name\t%s\nmodel\t%s\ndigest\t%s\nentries\t%d\n", about.Name, scorer.Printable(about.Model), about.ModelDigest, about.Entries)
		if about.Stale > 0 {
			fmt.Fprintf(table, "stale\t%d, which are not found: siamese gallery reindex\n", about.Stale)
		}
		fmt.Fprintf(table, "keeps pictures\t%t\nkeeps thumbnails\t%t\ncreated\t%s\n", about.KeepPictures, about.KeepThumbnails, about.Created.Format(time.DateTime))
		return table.Flush()
	})
}

type deleteCommand struct {
	Name string `arg:"" help:"The gallery."`
	Yes  bool   `help:"Removes one that has entries, too." env:"-"`

	galleries.Place
}

// Run removes the gallery.
func (c *deleteCommand) Run(ctx context.Context, s cli.Streams) error {
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		about, err := k.About(ctx, c.Name)
		if err != nil {
			return err
		}
		if about.Entries > 0 && !c.Yes {
			return fmt.Errorf("gallery %s has %s, to be lost with it: --yes removes it all the same, siamese gallery backup writes it to a file first", c.Name, entriesOf(about.Entries))
		}
		entries, err := k.Delete(ctx, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s: removed with %s\n", c.Name, entriesOf(entries))
		return err
	})
}

type removeCommand struct {
	IDs   []string `arg:"" optional:"" name:"id" help:"The entries to remove. Those that there are none of are passed over."`
	Thing []string `help:"Removes all entries of this thing; may be repeated." sep:"none" placeholder:"THING"`

	galleries.Name
	galleries.Place
}

// Run removes the entries.
func (c *removeCommand) Run(ctx context.Context, s cli.Streams) error {
	if len(c.IDs)+len(c.Thing) == 0 {
		return cli.Usage(errors.New("expected ids of entries to remove, or --thing"))
	}
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		removed, err := k.Remove(ctx, c.Gallery, c.IDs, c.Thing)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s removed\n", entriesOf(removed))
		return err
	})
}

// Pairs are flags of the form key=value.
func Pairs(flag string, texts []string) (map[string]string, error) {
	var all map[string]string
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, cli.Usage(fmt.Errorf("%s %q: expected key=value", flag, text))
		}
		if _, twice := all[key]; twice {
			return nil, cli.Usage(fmt.Errorf("%s %q: received the key %q twice, expected it once", flag, text, key))
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[key] = value
	}
	return all, nil
}

// metadata is metadata on one line.
func metadata(all map[string]string) string {
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		texts = append(texts, key+"="+all[key])
	}
	return scorer.Printable(strings.Join(texts, " "))
}

// entriesOf counts entries for a person.
func entriesOf(n int) string { return scorer.Count(n, "entry", "entries") }

// errFull says that what was asked for has been listed.
var errFull = io.EOF
