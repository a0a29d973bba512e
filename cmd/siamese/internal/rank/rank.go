// Package rank is the command `siamese rank`.
package rank

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese rank`.
type Command struct {
	Query string   `arg:"" help:"The image file to look for; - is standard input."`
	Files []string `arg:"" help:"The images to sort: files, folders with all that is below them (hidden files, and files that are no pictures, are passed over), or - for standard input."`

	Top  int  `help:"Prints the most similar ones alone, this many. 0: all." default:"0" placeholder:"N"`
	JSON bool `help:"Prints a JSON object: query, matches (each with rank, file, similarity, same, threshold, model, familiarity, warning) and failed (each with file and error)." xor:"form"`
	CSV  bool `help:"Prints lines of rank,file,similarity,same,threshold,model,familiarity,warning,error; what failed comes last." name:"csv" xor:"form"`

	scorer.Flags
	scorer.ScoreFlags
}

// Run prints the images sorted by similarity, then those that could not be used; these
// make it fail, after the table.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if c.Top < 0 {
		return cli.Usage(fmt.Errorf("--top %d, expected 0 (all) or more", c.Top))
	}
	if err := pictures.CheckStdin(append(slices.Clone(c.Files), c.Query)...); err != nil {
		return err
	}
	query, err := pictures.Open(ctx, c.Query, s.In, c.MaxBytes())
	if err != nil {
		return err
	}
	found, err := pictures.Find(ctx, c.Files, s.In, c.MaxBytes())
	if err != nil {
		return err
	}
	found.Tell(s.Err)
	if len(found.Pictures) == 0 {
		return fmt.Errorf("no pictures among %q", c.Files)
	}
	screen := progress.New(s.Err, "pictures")
	by, err := c.Open(ctx, screen, c.ScoreFlags)
	if err != nil {
		return err
	}
	done := 0
	ranking, err := by.Rank(ctx, query, found.Pictures, func(n int) {
		done = n
		screen.Done(n, len(found.Pictures))
	})
	screen.Close()
	if err != nil {
		return errors.Join(c.ended(ctx, err, done, len(found.Pictures)), by.Close())
	}
	chosen, err := by.Chosen(ctx)
	if err != nil {
		return errors.Join(err, by.Close())
	}
	list := list{Ranking: ranking, query: query.Name, pictures: found.Pictures, top: c.Top, chosen: chosen}
	return errors.Join(c.write(s, list), list.failed(len(found.Failed), c.told()), by.Close())
}

// ended is the error of a ranking that has none.
func (c *Command) ended(ctx context.Context, err error, done, of int) error {
	if interrupted := cli.Interrupted(ctx, fmt.Sprintf("%d of %d pictures were scored", done, of)); interrupted != nil {
		return interrupted
	}
	return err
}

// told is where the form that is printed has the reasons of pictures that failed; empty:
// beside it.
func (c *Command) told() string {
	switch {
	case c.JSON:
		return `the list "failed"`
	case c.CSV:
		return "the column error"
	}
	return ""
}

func (c *Command) write(s cli.Streams, list list) error {
	switch {
	case c.JSON:
		return list.writeJSON(s.Out)
	case c.CSV:
		return list.writeCSV(s.Out)
	}
	return list.writeTable(s.Out, s.Err)
}
