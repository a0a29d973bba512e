package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"maps"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/internal/regular"
)

// maxFileBytes bounds a file of those to sort, which a pattern may have named; what
// is no picture or too large for one is refused when it is decoded.
const maxFileBytes = 1 << 30

// RankCommand is `siamese rank`.
type RankCommand struct {
	Query string   `arg:"" help:"The image file to look for."`
	Files []string `arg:"" help:"The image files to sort."`

	comparerFlags
}

// Run prints the files sorted by similarity, then those that could not be used;
// these make it fail, after the table.
func (c *RankCommand) Run(ctx context.Context, s cli.Streams) error {
	query, err := regular.Read(c.Query, maxFileBytes)
	if err != nil {
		return err
	}
	var candidates [][]byte
	for _, path := range c.Files {
		candidate, err := regular.Read(path, maxFileBytes)
		if err != nil {
			return err
		}
		candidates = append(candidates, candidate)
	}
	comparer, err := c.open(ctx)
	if err != nil {
		return err
	}
	ranking, err := comparer.rank(ctx, query, candidates, client.Options{Threshold: c.Threshold})
	if err != nil {
		return errors.Join(named(err, []string{c.Query}), comparer.close())
	}
	return errors.Join(c.print(s, ranking), comparer.close())
}

// print writes the table to standard output, and to standard error what is foreign to
// the model.
func (c *RankCommand) print(s cli.Streams, ranking client.Ranking) error {
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	head, by := "", ""
	if c.Model == modelAuto {
		head = "model\t"
	}
	fmt.Fprintf(table, "rank\tsimilarity\tverdict\t%sfile\n", head)
	for place, match := range ranking.Matches {
		if head != "" {
			by = printable(match.Model) + "\t"
		}
		fmt.Fprintf(table, "%d\t%.4f\t%s\t%s%s\n", place+1, match.Similarity, word(match.Same), by, c.Files[match.Index])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	warn(s.Err, c.Query, ranking.Warning)
	for _, match := range ranking.Matches {
		warn(s.Err, c.Files[match.Index], match.Warning)
	}
	var failures []error
	for _, index := range slices.Sorted(maps.Keys(ranking.Failed)) {
		failures = append(failures, fmt.Errorf("%s: %w", c.Files[index], ranking.Failed[index]))
	}
	return errors.Join(failures...)
}
