package dedupe

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/internal/atomicfile"
)

// report is what is told of a search.
type report struct {
	*run
	groups     []*group
	failed     []failure
	thumbnails map[*item][]byte // JPEG
}

func (r *run) report(groups []*group) *report {
	failed := r.found.failed
	for _, it := range r.items {
		if it.err != nil {
			failed = append(failed, failure{it.path, it.err})
		}
	}
	return &report{run: r, groups: groups, failed: failed}
}

// failure is the error for files that can't be used, and for those that could not be
// linked or moved; nil where there is none.
func (r *report) failure() error {
	stuck := 0
	for _, g := range r.groups {
		for _, m := range g.members {
			if m.failed != nil {
				stuck++
			}
		}
	}
	var errs []error
	if n := len(r.failed); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d could not be used", n, len(r.items)+len(r.found.failed)))
	}
	if stuck > 0 {
		errs = append(errs, fmt.Errorf("%s could not be linked or moved", count(stuck, "double", "doubles")))
	}
	return errors.Join(errs...)
}

// foreigners are how many pictures are foreign to the model, and in how many groups
// such are near-doubles or have one.
func (r *report) foreigners() (n, inGroups int) {
	for _, it := range r.items {
		if it.foreign() {
			n++
		}
	}
	for _, g := range r.groups {
		if g.foreign() {
			inGroups++
		}
	}
	return n, inGroups
}

// foreignNote says what foreign pictures there are; empty: none.
func (r *report) foreignNote() string {
	n, inGroups := r.foreigners()
	if n == 0 {
		return ""
	}
	by := "their pixels alone were compared"
	if r.Foreign {
		by = "similarities of them mean little"
	}
	return fmt.Sprintf("%s unlike what the model %s knows: %s; %s such near-doubles",
		count(n, "picture is", "pictures are"), r.model.Name, by, count(inGroups, "group has", "groups have"))
}

// write prints the report, and writes the page.
func (c *Command) write(s cli.Streams, r *report) error {
	var err error
	switch {
	case c.JSON:
		err = r.writeJSON(s.Out)
	case c.CSV:
		err = r.writeCSV(s.Out)
	default:
		err = r.writeTable(s.Out)
	}
	if c.HTML != "" {
		err = errors.Join(err, atomicfile.Replace(c.HTML, r.writeHTML))
	}
	return errors.Join(err, r.writeNotes(s.Err))
}

// writeNotes says what failed, what means little, and what it comes to.
func (r *report) writeNotes(notes io.Writer) error {
	for _, f := range r.failed {
		fmt.Fprintf(notes, "error: %s: %s\n", scorer.Printable(f.path), scorer.Printable(f.err.Error()))
	}
	for _, g := range r.groups {
		for _, m := range g.members {
			if m.failed != nil {
				fmt.Fprintf(notes, "error: %s: %s\n", scorer.Printable(m.path), scorer.Printable(m.failed.Error()))
			}
		}
	}
	if note := r.foreignNote(); note != "" {
		fmt.Fprintln(notes, "note: "+scorer.Printable(note))
	}
	_, err := fmt.Fprintln(notes, r.summary())
	return err
}

// summary is the report in a sentence.
func (r *report) summary() string {
	copies, alike, wasted := r.totals()
	return fmt.Sprintf("%s: %s, with %s and %s beside the best, %s",
		count(len(r.items), "picture", "pictures"), count(len(r.groups), "group", "groups"),
		count(copies, "copy", "copies"), count(alike, "near-double", "near-doubles"), size(wasted))
}

// totals are how many doubles there are, and their bytes.
func (r *report) totals() (copies, alike int, wasted int64) {
	for _, g := range r.groups {
		wasted += g.wasted()
		for _, m := range g.members {
			switch m.role {
			case copied:
				copies++
			case near:
				alike++
			}
		}
	}
	return copies, alike, wasted
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

// size is bytes for a person.
func size(bytes int64) string {
	value, unit := float64(bytes), 0
	units := []string{"B", "kB", "MB", "GB", "TB"}
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if unit > 0 && value < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + units[unit]
}

// like is a similarity for a person; a copy has none.
func (r *report) like(m *member) string {
	switch m.role {
	case best:
		return "best"
	case copied:
		return "copy"
	}
	if r.Threshold == nil || m.verdict.match > 0 { // the similarity did not decide
		return strconv.FormatFloat(float64(m.verdict.similarity), 'f', 4, 32)
	}
	text, _ := scorer.Agree(m.verdict.similarity, *r.Threshold, true)
	return text
}

// match is what decided about a near-double, for a person; empty where its similarity
// did.
func (m *member) match() string {
	if m.role != near || m.verdict.match == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Floor(100*float64(m.verdict.match))/100, 'f', 2, 64)
}

func dimensions(it *item) string {
	if it.Width == 0 {
		return "?"
	}
	return fmt.Sprintf("%d×%d", it.Width, it.Height)
}

// writeTable writes the groups for a person.
func (r *report) writeTable(out io.Writer) error {
	if len(r.groups) == 0 {
		return nil // no head above nothing
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "group\tsimilarity\tmatch\tpixels\tbytes\tmodified\tfile")
	for i, g := range r.groups {
		for _, m := range g.members {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%s\t%s", i+1, r.like(m), m.match(), dimensions(m.item), m.size, m.modified.Format(time.DateTime), scorer.Printable(m.path))
			for _, also := range m.also {
				fmt.Fprintf(table, " = %s", scorer.Printable(also))
			}
			if m.foreign() {
				fmt.Fprint(table, " (foreign)")
			}
			if m.done != "" {
				fmt.Fprintf(table, " (%s)", scorer.Printable(m.done))
			}
			fmt.Fprintln(table)
		}
	}
	return table.Flush()
}

// fileObject is a file of a group as JSON.
type fileObject struct {
	File       name      `json:"file"`
	Role       role      `json:"role"`
	CopyOf     name      `json:"copy_of,omitempty"`
	Similarity float32   `json:"similarity"`      // to the best
	Match      float32   `json:"match,omitempty"` // likewise, where it decided
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Bytes      int64     `json:"bytes"`
	Modified   time.Time `json:"modified"`
	SHA256     string    `json:"sha256"`
	Links      []name    `json:"links,omitempty"` // other names of the same file
	Foreign    bool      `json:"foreign,omitempty"`
	Action     string    `json:"action,omitempty"`
	Error      string    `json:"error,omitempty"`
}

type groupObject struct {
	WastedBytes int64        `json:"wasted_bytes"`
	Foreign     bool         `json:"foreign,omitempty"` // has near-doubles that are
	Files       []fileObject `json:"files"`
}

type failureObject struct {
	File  name   `json:"file"`
	Error string `json:"error"`
}

// document is what --json prints.
type document struct {
	Pictures    int             `json:"pictures"`
	Model       string          `json:"model,omitempty"`
	Digest      string          `json:"digest,omitempty"`
	Threshold   *float32        `json:"threshold,omitempty"` // where it decides
	Match       *float32        `json:"match,omitempty"`     // likewise
	Encoded     int             `json:"encoded"`             // in this run
	Foreign     int             `json:"foreign"`             // to the model
	WastedBytes int64           `json:"wasted_bytes"`
	Groups      []groupObject   `json:"groups"`
	Failed      []failureObject `json:"failed,omitempty"`
	Passed      map[string]int  `json:"passed,omitempty"`
}

func object(m *member) fileObject {
	o := fileObject{
		File: name(m.path), Role: m.role, Similarity: m.verdict.similarity, Match: m.verdict.match, Width: m.Width, Height: m.Height, Bytes: m.size,
		Modified: m.modified.UTC(), SHA256: hex.EncodeToString(m.Sum[:]), Foreign: m.foreign(), Action: m.done,
	}
	if m.of != nil {
		o.CopyOf = name(m.of.path)
	}
	for _, also := range m.also {
		o.Links = append(o.Links, name(also))
	}
	if m.failed != nil {
		o.Error = m.failed.Error()
	}
	return o
}

func (r *report) writeJSON(out io.Writer) error {
	d := document{Pictures: len(r.items), Groups: []groupObject{}, Passed: r.found.passed}
	d.Foreign, _ = r.foreigners()
	_, _, d.WastedBytes = r.totals()
	if !r.Exact {
		d.Model, d.Digest, d.Encoded = r.model.Name, r.model.Digest, r.encoder.made
		if d.Threshold = r.Threshold; d.Threshold == nil {
			match := r.rule().match
			d.Match = &match
		}
	}
	for _, g := range r.groups {
		own := groupObject{WastedBytes: g.wasted(), Foreign: g.foreign()}
		for _, m := range g.members {
			own.Files = append(own.Files, object(m))
		}
		d.Groups = append(d.Groups, own)
	}
	for _, f := range r.failed {
		d.Failed = append(d.Failed, failureObject{name(f.path), f.err.Error()})
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// matchNumber is a match as CSV has it.
func matchNumber(match float32) string {
	if match == 0 {
		return ""
	}
	return scorer.Number(match)
}

func (r *report) writeCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	lines := [][]string{{"group", "file", "role", "copy_of", "similarity", "width", "height", "bytes", "modified", "sha256", "links", "action", "error", "match", "foreign"}}
	for i, g := range r.groups {
		for _, m := range g.members {
			o := object(m)
			lines = append(lines, []string{
				strconv.Itoa(i + 1), m.path, string(m.role), string(o.CopyOf), scorer.Number(m.verdict.similarity), strconv.Itoa(m.Width), strconv.Itoa(m.Height),
				strconv.FormatInt(m.size, 10), o.Modified.Format(time.RFC3339), o.SHA256, strings.Join(m.also, "\n"), o.Action, o.Error, matchNumber(o.Match), strconv.FormatBool(o.Foreign),
			})
		}
	}
	for _, f := range r.failed {
		lines = append(lines, []string{"", f.path, "", "", "", "", "", "", "", "", "", "", f.err.Error(), "", ""})
	}
	return w.WriteAll(lines)
}
