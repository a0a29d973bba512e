// Package galleries measures galleries of many entries: searches, what they find of the
// head's own best, memory, opening, and enrolment beside searches.
package galleries

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"siamese/bench"
	"siamese/gallery"
)

// Parts are what Gallery can measure, in the order in which it does.
var Parts = []string{"open", "search", "recall", "memory", "serve", "enrol", "load"}

// Model is a model whose galleries are measured.
type Model struct {
	// Name is that by which a server has it, and Digest that of its weights.
	Name, Digest string
	Head         gallery.Head
	Metric       *gallery.Metric
	// Exact is the same head in Go, by which all entries are scored for the recall. Nil:
	// Head scores them.
	Exact *DistanceHead
	// Embeddings are of real pictures, at least 3, of which entries are made. Of names
	// them for a person.
	Embeddings [][]float32
	Of         string
	// Command starts a server of the model that keeps no embeddings, with the galleries
	// of the place that is appended to it, then the address to listen on.
	Command func(galleries string) ([]string, error)
}

// Gallery measures galleries of one model in a store.
type Gallery struct {
	Model
	// Store is where the galleries are.
	Store Store
	// Entries is how many a gallery has, Queries how many searches are timed, Judged of
	// how many the recall is told.
	Entries, Queries, Judged int
	// Seed fixes entries and queries.
	Seed uint64
	// Parts are those of Parts that are measured.
	Parts []string
	// Pictures are image files that are enrolled.
	Pictures [][]byte
	// Seconds is how long 16 clients search, alone and beside an enrolment.
	Seconds float64
	// Progress is told what is going on, for a person.
	Progress io.Writer
}

// Validate tells what is wrong, nil if nothing is.
func (g Gallery) Validate() error {
	for _, part := range g.Parts {
		if !slices.Contains(Parts, part) {
			return fmt.Errorf("bench: received the part %q, expected some of %s", part, strings.Join(Parts, ", "))
		}
	}
	switch {
	case g.Entries < 1 || g.Queries < 1 || g.Judged < 1 || !(g.Seconds > 0):
		return fmt.Errorf("bench: received %d entries, %d queries, %d of them judged and %v seconds, expected more than 0 of each", g.Entries, g.Queries, g.Judged, g.Seconds)
	case len(g.Embeddings) < leastEmbeddings:
		return fmt.Errorf("bench: received %d embeddings of pictures (%s), expected at least %d", len(g.Embeddings), g.Of, leastEmbeddings)
	case g.does("enrol") && len(g.Pictures) < enrolRounds+1:
		return fmt.Errorf("bench: received %d pictures to enroll, expected at least %d", len(g.Pictures), enrolRounds+1)
	}
	return nil
}

// does reports whether a part is measured.
func (g Gallery) does(part string) bool { return slices.Contains(g.Parts, part) }

func (g Gallery) say(what string, arguments ...any) {
	fmt.Fprintf(g.Progress, "bench: gallery of %s, %s: %s\n", g.Name, g.Store.Kind(), fmt.Sprintf(what, arguments...))
}

// called names a figure of this model and store.
func (g Gallery) called(what string) string {
	return fmt.Sprintf("gallery of %d, %s, %s: %s", g.Entries, g.Name, g.Store.Kind(), what)
}

// Run fills a gallery and measures it.
func (g Gallery) Run(ctx context.Context) (rows []bench.Row, err error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	before := machineLoad()
	g.say("entries are made of %d embeddings of %s, each changed by parts of two others", len(g.Embeddings), g.Of)
	filled, err := g.fill(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench gallery: %w", err)
	}
	found, err := g.inProcess(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench gallery: %w", err)
	}
	served, err := g.served(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench gallery: %w", err)
	}
	rows = append(append(filled, found...), served...)
	return append(rows,
		bench.Figure(g.called("load of the machine before, one minute's"), before, "processes"),
		bench.Figure(g.called("load of the machine at the end"), machineLoad(), "processes")), nil
}

// inProcess measures what searches in this process.
func (g Gallery) inProcess(ctx context.Context) (rows []bench.Row, err error) {
	if !g.does("open") && !g.does("search") && !g.does("recall") {
		return nil, nil
	}
	store, rows, err := g.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := store.Close(); err == nil {
			err = closed
		}
	}()
	searcher := &gallery.Searcher{Store: store, Head: g.Head, Metric: g.Metric}
	for _, part := range []struct {
		name    string
		measure func(context.Context, *gallery.Searcher) ([]bench.Row, error)
	}{{"search", g.searchRows}, {"recall", g.recallRows}} {
		if !g.does(part.name) {
			continue
		}
		measured, err := part.measure(ctx, searcher)
		if err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// machineLoad is how many processes wanted to run in the last minute, on average; 0 where
// the system does not tell.
func machineLoad() float64 {
	var load float64
	text, err := os.ReadFile(filepath.Join("/proc", "loadavg"))
	if err == nil {
		_, err = fmt.Sscan(string(text), &load)
	}
	if err != nil {
		return 0
	}
	return load
}
