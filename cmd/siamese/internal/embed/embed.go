// Package embed is the command `siamese embed`: pictures in, a file of embeddings out.
package embed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/internal/atomicfile"
)

// Command is `siamese embed`.
type Command struct {
	Files []string `arg:"" help:"The images to embed: files, folders with all that is below them (hidden files, and files that are no pictures, are passed over), or - for standard input."`

	Output string `help:"Writes the embeddings to this file, by its name out.npy (float32 [N,E], a row for each image that could be used; the rows' names, and the model, are in out.json beside it), out.parquet (columns name, embedding, familiarity, foreign; the model is in the file's metadata) or out.jsonl (an object a line; an image that could not be used has its error there). The file appears when it is whole." short:"o" required:"" placeholder:"FILE"`

	scorer.Flags
}

// atOnce is how many pictures are embedded in one go.
const atOnce = 64

// row is a picture with its embedding.
type row struct {
	name string
	scorer.Embedding
}

// table is a file of embeddings that is being written.
type table interface {
	// write adds a row. Those that failed have an error and no values.
	write(r row) error
	// close ends the file.
	close() error
}

// forms make tables, by the ending of the file's name.
var forms = map[string]func(w io.Writer, path string, model scorer.Model) (table, error){
	".npy":     newNPY,
	".parquet": newParquet,
	".jsonl":   newJSONL,
	".ndjson":  newJSONL,
}

func ending(path string) string { return strings.ToLower(filepath.Ext(path)) }

// Run embeds the pictures. Those that can't be used make it fail in the end, after the
// others were written.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	form, ok := forms[ending(c.Output)]
	if !ok {
		return cli.Usage(fmt.Errorf("--output %s: received a name that ends in %q, expected .npy, .parquet or .jsonl", c.Output, filepath.Ext(c.Output)))
	}
	if c.Model == "auto" {
		return cli.Usage(errors.New("--model auto: embeddings of two models can't be compared with each other, expected the name of one model"))
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
	by, err := c.Open(ctx, screen, scorer.ScoreFlags{})
	if err != nil {
		return err
	}
	run := run{by: by, found: found, screen: screen}
	err = atomicfile.Replace(c.Output, func(w io.Writer) error { return run.all(ctx, w, c.Output, form) })
	screen.Close()
	return errors.Join(run.ended(ctx, s.Err, c.Output, err), by.Close())
}

// run is embeddings on their way.
type run struct {
	by     scorer.Scorer
	found  pictures.Found
	screen *progress.Screen
	model  scorer.Model
	done   int
	failed int
}

func (r *run) all(ctx context.Context, w io.Writer, path string, form func(io.Writer, string, scorer.Model) (table, error)) (err error) {
	if r.model, err = r.by.Embedder(ctx); err != nil {
		return err
	}
	out, err := form(w, path, r.model)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(r.found.Pictures, atOnce) {
		embeddings, err := r.by.Embed(ctx, some)
		if err != nil {
			return err
		}
		for i, embedding := range embeddings {
			if err := r.write(out, row{some[i].Name, embedding}); err != nil {
				return err
			}
		}
		r.done += len(some)
		r.screen.Done(r.done, len(r.found.Pictures))
	}
	if r.failed == r.done {
		return fmt.Errorf("none of %d pictures could be used", r.done)
	}
	return out.close()
}

func (r *run) write(out table, row row) error {
	if row.Err != nil {
		r.failed++
		fmt.Fprintf(r.screen, "error: %s\n", scorer.Printable(row.Err.Error()))
	}
	return out.write(row)
}

// ended says what became of the run.
func (r *run) ended(ctx context.Context, notes io.Writer, path string, err error) error {
	if err != nil {
		done := fmt.Sprintf("%d of %d pictures were embedded, nothing was written", r.done, len(r.found.Pictures))
		if interrupted := cli.Interrupted(ctx, done); interrupted != nil {
			return interrupted
		}
		return err
	}
	embedded := r.done - r.failed
	fmt.Fprintf(notes, "%s: %d embeddings of %d numbers by %s\n", path, embedded, r.model.Length, scorer.Printable(r.model.Name))
	if n := r.failed + len(r.found.Failed); n > 0 {
		return fmt.Errorf("%d of %d could not be used", n, r.done+len(r.found.Failed))
	}
	return nil
}
