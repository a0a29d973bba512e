package gallery

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
)

type identifyCommand struct {
	Files []string `arg:"" help:"The pictures to identify: files, folders with all that is below them, or - for standard input."`

	Top           int      `help:"Prints this many things at most, 1 to 100." default:"5" placeholder:"N"`
	MinSimilarity float32  `help:"Prints things alone whose best entry has at least this similarity, 0 to 1." default:"0" placeholder:"N"`
	Filter        []string `help:"Looks among entries alone that have this key=value in their metadata; may be repeated." sep:"none" placeholder:"KEY=VALUE"`
	JSON          bool     `help:"Prints a JSON object a picture and line: file, matches (each with thing, entry, similarity, same, metadata), threshold, model, familiarity, warning, or error." xor:"form"`
	CSV           bool     `help:"Prints lines of file,rank,thing,entry,similarity,same,threshold,model,familiarity,warning,error." name:"csv" xor:"form"`

	galleries.Name
	galleries.Flags
	scorer.ScoreFlags
}

// mostTop is how many things can be asked for, as a server has it.
const mostTop = 100

// check refuses what no gallery takes.
func (c *identifyCommand) check() (galleries.Search, error) {
	filter, err := Pairs("--filter", c.Filter)
	switch {
	case err != nil:
		return galleries.Search{}, err
	case c.Top < 1 || c.Top > mostTop:
		return galleries.Search{}, cli.Usage(fmt.Errorf("--top %d, expected 1 to %d", c.Top, mostTop))
	case !(c.MinSimilarity >= 0 && c.MinSimilarity <= 1):
		return galleries.Search{}, cli.Usage(fmt.Errorf("--min-similarity %v, expected 0 to 1", c.MinSimilarity))
	}
	return galleries.Search{Top: c.Top, MinSimilarity: c.MinSimilarity, Filter: filter, Threshold: c.Threshold}, c.Check()
}

// Run identifies each picture. Those that can't be used make it fail in the end.
func (c *identifyCommand) Run(ctx context.Context, s cli.Streams) error {
	search, err := c.check()
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
	keeper, err := c.OpenToIdentify(ctx, screen, c.TestTime)
	return with(keeper, err, func(k galleries.Keeper) error {
		defer screen.Close()
		failed := len(found.Failed)
		write, flush := c.writer(s)
		for i, picture := range found.Pictures {
			identified, err := k.Identify(ctx, c.Gallery, picture, search)
			failure, ok := errors.AsType[*scorer.PictureError](err)
			if err != nil && !ok {
				return errors.Join(flush(), stopped(ctx, err, fmt.Sprintf("%d of %s identified", i, scorer.Count(len(found.Pictures), "picture", "pictures"))))
			}
			if ok {
				failed++
			}
			if err := write(picture.Name, identified, failure); err != nil {
				return err
			}
			if len(found.Pictures) > 1 {
				screen.Done(i+1, len(found.Pictures))
			}
		}
		if err := flush(); err != nil || failed == 0 {
			return err
		}
		return fmt.Errorf("%d of %d could not be used", failed, len(found.Pictures)+len(found.Failed))
	})
}

// writer writes what pictures show, in the form that is asked for.
func (c *identifyCommand) writer(s cli.Streams) (write func(file string, i galleries.Identified, failure *scorer.PictureError) error, flush func() error) {
	switch {
	case c.JSON:
		return func(file string, i galleries.Identified, failure *scorer.PictureError) error {
			return encode(s.Out, newIdentified(file, i, failure))
		}, func() error { return nil }
	case c.CSV:
		w := csv.NewWriter(s.Out)
		_ = w.Write([]string{"file", "rank", "thing", "entry", "similarity", "same", "threshold", "model", "familiarity", "warning", "error"}) // Flush tells
		return func(file string, i galleries.Identified, failure *scorer.PictureError) error {
			return writeRows(w, file, i, failure)
		}, func() error { w.Flush(); return w.Error() }
	}
	return func(file string, i galleries.Identified, failure *scorer.PictureError) error {
		return writeTable(s, file, i, failure, len(c.Files) > 1)
	}, func() error { return nil }
}

// writeTable writes the things of one picture for a person.
func writeTable(s cli.Streams, file string, i galleries.Identified, failure *scorer.PictureError, several bool) error {
	if failure != nil {
		_, err := fmt.Fprintf(s.Err, "error: %s\n", scorer.Printable(failure.Error()))
		return err
	}
	if several {
		fmt.Fprintf(s.Out, "%s:\n", scorer.Printable(file))
	}
	scorer.Warn(s.Err, scorer.Printable(file), i.Warning)
	if len(i.Matches) == 0 {
		_, err := io.WriteString(s.Out, "nothing in the gallery is like it\n")
		return err
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "rank\tsimilarity\tverdict\tthing\tentry")
	for place, match := range i.Matches {
		similarity, _ := scorer.Agree(match.Similarity, i.Threshold, match.Same)
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", place+1, similarity, scorer.Word(match.Same), scorer.Printable(match.Name()), scorer.Printable(match.ID))
	}
	return table.Flush()
}

func writeRows(w *csv.Writer, file string, i galleries.Identified, failure *scorer.PictureError) error {
	if failure != nil {
		return w.Write([]string{file, "", "", "", "", "", "", "", "", "", failure.Err.Error()})
	}
	for place, match := range i.Matches {
		err := w.Write([]string{
			file, strconv.Itoa(place + 1), match.Name(), match.ID, scorer.Number(match.Similarity), strconv.FormatBool(match.Same),
			scorer.Number(i.Threshold), i.Model, scorer.FamiliarityNumber(i.Familiarity), i.Warning, "",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// matchObject is a thing as JSON.
type matchObject struct {
	Thing      string            `json:"thing"`
	Entry      string            `json:"entry"`
	Similarity float32           `json:"similarity"`
	Same       bool              `json:"same"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

// identifiedObject is what a picture shows as JSON.
type identifiedObject struct {
	File        string              `json:"file"`
	Matches     []matchObject       `json:"matches"`
	Threshold   float32             `json:"threshold,omitempty"`
	Model       string              `json:"model,omitempty"`
	Familiarity *client.Familiarity `json:"familiarity,omitempty"`
	Warning     string              `json:"warning,omitempty"`
	Error       string              `json:"error,omitempty"`
}

func newIdentified(file string, i galleries.Identified, failure *scorer.PictureError) identifiedObject {
	object := identifiedObject{File: file, Matches: []matchObject{}, Threshold: i.Threshold, Model: i.Model, Familiarity: i.Familiarity, Warning: i.Warning}
	if failure != nil {
		object.Error = failure.Err.Error()
	}
	for _, match := range i.Matches {
		object.Matches = append(object.Matches, matchObject{match.Name(), match.ID, match.Similarity, match.Same, match.Metadata})
	}
	return object
}
