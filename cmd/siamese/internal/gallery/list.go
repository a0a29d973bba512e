package gallery

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/scorer"
)

type listCommand struct {
	Gallery string   `help:"Names the gallery whose entries are listed. Empty: lists the galleries." short:"g" placeholder:"NAME"`
	Thing   string   `help:"Lists entries of this thing alone. Empty: of all." placeholder:"THING"`
	Filter  []string `help:"Lists entries alone that have this key=value in their metadata; may be repeated." sep:"none" placeholder:"KEY=VALUE"`
	Stale   bool     `help:"Lists entries alone whose embeddings are of another model, which are not found until they are encoded again."`
	Limit   int      `help:"Lists this many at most. 0: all." default:"0" placeholder:"N"`
	JSON    bool     `help:"Prints a JSON object a line: id, thing, metadata, sha256, enrolled, stale; of galleries what info --json tells."`

	galleries.Place
}

// Run lists.
func (c *listCommand) Run(ctx context.Context, s cli.Streams) error {
	filter, err := Pairs("--filter", c.Filter)
	if err != nil {
		return err
	}
	if c.Gallery == "" && (c.Thing != "" || len(filter) > 0 || c.Stale) {
		return cli.Usage(errors.New("--thing, --filter and --stale are of entries, expected --gallery"))
	}
	if c.Limit < 0 {
		return cli.Usage(fmt.Errorf("--limit %d, expected 0 (all) or more", c.Limit))
	}
	keeper, err := c.Open(ctx, s.Err)
	return with(keeper, err, func(k galleries.Keeper) error {
		if c.Gallery == "" {
			return c.galleries(ctx, k, s.Out)
		}
		return c.entries(ctx, k, s.Out, galleries.Listing{Filter: filter, Thing: c.Thing, Stale: c.Stale})
	})
}

// encode writes an object on one line.
func encode(out io.Writer, object any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(object)
}

func (c *listCommand) galleries(ctx context.Context, k galleries.Keeper, out io.Writer) error {
	all, err := k.All(ctx)
	if err != nil {
		return err
	}
	if c.Limit > 0 {
		all = all[:min(c.Limit, len(all))]
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !c.JSON && len(all) > 0 {
		fmt.Fprintln(table, "gallery\tentries\tstale\tmodel\tcreated")
	}
	for _, about := range all {
		if c.JSON {
			if err := encode(out, object(about)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", about.Name, about.Entries, about.Stale, scorer.Printable(about.Model), about.Created.Format(time.DateTime))
	}
	return table.Flush()
}

// entryObject is an entry as JSON.
type entryObject struct {
	ID       string            `json:"id"`
	Thing    string            `json:"thing"` // its own id where it has none
	Metadata map[string]string `json:"metadata,omitempty"`
	SHA256   string            `json:"sha256,omitempty"` // of the picture
	Enrolled time.Time         `json:"enrolled"`
	Stale    bool              `json:"stale,omitempty"`
}

// sha256Text is a digest in hexadecimal; empty where there is none.
func sha256Text(sum [32]byte) string {
	if sum == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(sum[:])
}

// entries lists entries as they come: there may be millions.
func (c *listCommand) entries(ctx context.Context, k galleries.Keeper, out io.Writer, listing galleries.Listing) error {
	n := 0
	err := k.List(ctx, c.Gallery, listing, func(entry galleries.Listed) error {
		if c.Limit > 0 && n == c.Limit {
			return errFull
		}
		n++
		if c.JSON {
			return encode(out, entryObject{entry.ID, entry.Name(), entry.Metadata, sha256Text(entry.PictureDigest), entry.Enrolled.UTC(), entry.Stale})
		}
		stale := ""
		if entry.Stale {
			stale = "\tstale"
		}
		_, err := fmt.Fprintf(out, "%s\t%s\t%s%s\n", scorer.Printable(entry.ID), scorer.Printable(entry.Name()), metadata(entry.Metadata), stale)
		return err
	})
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}
