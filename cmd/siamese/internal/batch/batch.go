// Package batch is the command `siamese batch`: a list of pairs in, the list with
// their similarities out.
package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/progress"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese batch`.
type Command struct {
	List string `arg:"" help:"The list of pairs, a TSV or CSV file, or - for standard input: two image files a line, and whatever further columns there are, which are kept. Relative paths count from the list's folder, or from the current one where the list's has no such file; those of standard input from the current one. Quoting is as in RFC 4180."`

	Output string `help:"Writes the result to this file, by its name .tsv, .csv or .jsonl. Empty: to standard output, in the list's own form." short:"o" placeholder:"FILE"`
	Format string `help:"Chooses the form of the result: tsv, csv, jsonl (an object a line), or auto, by --output's name, else as the list." enum:"auto,tsv,csv,jsonl" default:"auto"`
	Header string `help:"Says whether the list's first line names its columns: yes, no, or auto: it does where neither of its first two fields is a file or ends as an image file does." enum:"auto,yes,no" default:"auto"`

	scorer.Flags
	scorer.ScoreFlags
}

// atOnce is how many pairs are read, scored and written in one go.
const atOnce = 64

// Run scores the pairs. A pair that fails has its error in its line and makes the
// command fail in the end.
func (c *Command) Run(ctx context.Context, s cli.Streams) (err error) {
	in, err := openList(ctx, c.List, s.In)
	if err != nil {
		return err
	}
	defer in.close()
	reader, err := newReader(in, c.Header)
	if err != nil {
		return fmt.Errorf("%s: %w", c.List, err)
	}
	form, err := c.form(in, reader.comma)
	if err != nil {
		return err
	}
	screen := progress.New(s.Err, "pairs")
	by, err := c.Open(ctx, screen, c.ScoreFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, by.Close()) }()
	out, err := c.create(s.Out, form, reader)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	run := run{by: by, in: reader, out: out, screen: screen, total: in.lines}
	err = run.all(ctx)
	screen.Close()
	return run.ended(ctx, err)
}

// run is a list on its way.
type run struct {
	by           scorer.Scorer
	in           *reader
	out          *result
	screen       *progress.Screen
	total        int // of pairs, about; 0: not known
	done, failed int
}

// all scores one part of the list after the other.
func (r *run) all(ctx context.Context) error {
	for {
		lines, readErr := r.in.next(ctx, atOnce)
		if err := r.score(ctx, lines); err != nil {
			return err
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

// score scores and writes lines.
func (r *run) score(ctx context.Context, lines []line) error {
	var pairs []scorer.Pair
	for _, l := range lines {
		if l.err == nil {
			pairs = append(pairs, scorer.Pair{A: scorer.Picture{Name: l.a}, B: scorer.Picture{Name: l.b}})
		}
	}
	results, err := r.by.Pairs(ctx, pairs)
	if err != nil {
		return err
	}
	for _, l := range lines {
		result := scorer.Result{Err: l.err}
		if l.err == nil {
			result, results = results[0], results[1:]
		}
		if result.Err != nil {
			r.failed++
		}
		if err := r.out.write(l, result); err != nil {
			return err
		}
	}
	if err := r.out.flush(); err != nil {
		return err
	}
	if r.done += len(lines); r.total > 0 {
		r.total = max(r.total, r.done)
	}
	r.screen.Done(r.done, r.total)
	return nil
}

// ended is the command's error: how far it came, and how many pairs failed.
func (r *run) ended(ctx context.Context, err error) error {
	done := fmt.Sprintf("%d pairs are done and written", r.done)
	if r.failed > 0 {
		done += fmt.Sprintf(", %d of them failed", r.failed)
	}
	if err != nil {
		if interrupted := cli.Interrupted(ctx, done); interrupted != nil {
			return interrupted
		}
		return fmt.Errorf("%w (%s)", err, done)
	}
	if r.failed > 0 {
		return fmt.Errorf("%d of %d pairs failed: the column error says why", r.failed, r.done)
	}
	return nil
}

// create opens where results go.
func (c *Command) create(stdout io.Writer, form string, from *reader) (*result, error) {
	if c.Output == "" {
		return newResult(stdout, nil, form, from)
	}
	file, err := os.Create(c.Output)
	if err != nil {
		return nil, err
	}
	return newResult(file, file, form, from)
}

// form is that of the result, where nothing else is said the list's. The list itself
// is refused as --output.
func (c *Command) form(in *list, comma rune) (string, error) {
	if info, err := os.Stat(c.Output); err == nil && in.file != nil {
		if own, err := in.file.Stat(); err == nil && os.SameFile(info, own) {
			return "", cli.Usage(fmt.Errorf("--output %s is the list itself, expected another file", c.Output))
		}
	}
	if c.Format != "auto" {
		return c.Format, nil
	}
	if c.Output == "" {
		return map[rune]string{'\t': "tsv", ',': "csv"}[comma], nil
	}
	form, ok := endings[ending(c.Output)]
	if !ok {
		return "", cli.Usage(fmt.Errorf("--output %s: received a name that ends in %q, expected .tsv, .csv or .jsonl, or --format", c.Output, ending(c.Output)))
	}
	return form, nil
}

// isPicturePath reports whether a field is a file, or is called a picture.
func isPicturePath(path string) bool {
	_, err := os.Stat(path)
	return err == nil || pictures.IsCalled(path)
}
