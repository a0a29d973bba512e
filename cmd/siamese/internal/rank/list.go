package rank

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"siamese/client"
	"siamese/cmd/siamese/internal/scorer"
)

// list is a ranking with the names of what was ranked.
type list struct {
	scorer.Ranking
	query    string
	pictures []scorer.Picture
	top      int  // 0: all
	chosen   bool // the model, by the pictures
}

// shown are the matches that are printed.
func (l list) shown() []scorer.Match {
	if l.top > 0 {
		return l.Matches[:min(l.top, len(l.Matches))]
	}
	return l.Matches
}

func (l list) file(m scorer.Match) string { return l.pictures[m.Index].Name }

// failed is the error for pictures that can't be used, and for folders and files that
// can't be read; nil where there is none. Told says where the reason of a picture is
// found; empty: on standard error, as those of what can't be read always are.
func (l list) failed(unread int, told string) error {
	n := len(l.Failed) + unread
	switch {
	case n == 0:
		return nil
	case len(l.Failed) == 0 || told == "":
		return fmt.Errorf("%d of %d could not be used", n, len(l.pictures)+unread)
	}
	return fmt.Errorf("%d of %d could not be used: %s says why", n, len(l.pictures)+unread, told)
}

// writeTable writes the matches to out, and to notes what is foreign to the model and
// what failed.
func (l list) writeTable(out, notes io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head, by := "", ""
	if len(l.shown()) == 0 { // no head above nothing
		return l.writeNotes(notes)
	}
	if l.chosen {
		head = "model\t"
	}
	fmt.Fprintf(table, "rank\tsimilarity\tverdict\t%sfile\n", head)
	for place, match := range l.shown() {
		if l.chosen {
			by = scorer.Printable(match.Model) + "\t"
		}
		similarity, _ := scorer.Agree(match.Similarity, match.Threshold, match.Same)
		fmt.Fprintf(table, "%d\t%s\t%s\t%s%s\n", place+1, similarity, scorer.Word(match.Same), by, scorer.Printable(l.file(match)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return l.writeNotes(notes)
}

// writeNotes writes what is foreign to the model and what failed.
func (l list) writeNotes(notes io.Writer) error {
	scorer.Warn(notes, l.query, l.Warning)
	for _, match := range l.shown() {
		scorer.Warn(notes, scorer.Printable(l.file(match)), match.Warning)
	}
	for _, failure := range l.Failed {
		fmt.Fprintf(notes, "error: %s\n", scorer.Printable(failure.Error()))
	}
	return nil
}

// row is a match as JSON.
type row struct {
	Rank        int                 `json:"rank"`
	File        string              `json:"file"`
	Similarity  float32             `json:"similarity"`
	Same        bool                `json:"same"`
	Threshold   float32             `json:"threshold"`
	Model       string              `json:"model"`
	Familiarity *client.Familiarity `json:"familiarity,omitempty"`
	Warning     string              `json:"warning,omitempty"`
}

// failure is a picture that can't be used, as JSON.
type failure struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// document is what --json prints.
type document struct {
	Query   string    `json:"query"`
	Warning string    `json:"warning,omitempty"` // of the query
	Matches []row     `json:"matches"`
	Failed  []failure `json:"failed,omitempty"`
}

func (l list) writeJSON(out io.Writer) error {
	d := document{Query: l.query, Warning: l.Warning, Matches: []row{}}
	for place, match := range l.shown() {
		d.Matches = append(d.Matches, row{
			place + 1, l.file(match), match.Similarity, match.Same, match.Threshold, match.Model, match.FamiliarityB, match.Warning,
		})
	}
	for _, failed := range l.Failed {
		d.Failed = append(d.Failed, failure{failed.Name, failed.Err.Error()})
	}
	return json.NewEncoder(out).Encode(d)
}

func (l list) writeCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	lines := [][]string{{"rank", "file", "similarity", "same", "threshold", "model", "familiarity", "warning", "error"}}
	for place, match := range l.shown() {
		lines = append(lines, []string{
			strconv.Itoa(place + 1), l.file(match), scorer.Number(match.Similarity), strconv.FormatBool(match.Same), scorer.Number(match.Threshold),
			match.Model, scorer.FamiliarityNumber(match.FamiliarityB), match.Warning, "",
		})
	}
	for _, failed := range l.Failed {
		lines = append(lines, []string{"", failed.Name, "", "", "", "", "", "", failed.Err.Error()})
	}
	return w.WriteAll(lines)
}
