package batch

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"

	"siamese/client"
	"siamese/cmd/siamese/internal/scorer"
)

// endings are the forms of results by the names of their files.
var endings = map[string]string{".tsv": "tsv", ".txt": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

// scored are the columns behind the list's own.
var scored = []string{"similarity", "same", "threshold", "model", "familiarity_a", "familiarity_b", "warning", "error"}

// result writes lines whole, in one of the forms.
type result struct {
	buffer *bufio.Writer
	file   *os.File // nil: standard output
	table  *csv.Writer
	json   *json.Encoder
	from   *reader
}

// newResult begins a result. file, where there is one, is closed with it.
func newResult(out io.Writer, file *os.File, form string, from *reader) (*result, error) {
	r := &result{buffer: bufio.NewWriter(out), file: file, from: from}
	if form == "jsonl" {
		r.json = json.NewEncoder(r.buffer)
		r.json.SetEscapeHTML(false)
		return r, nil
	}
	r.table = csv.NewWriter(r.buffer)
	if form == "tsv" {
		r.table.Comma = '\t'
	}
	return r, r.table.Write(append(from.columns[:len(from.columns):len(from.columns)], scored...))
}

// object is a line as JSON. What has no value is left out.
type object struct {
	Line    int               `json:"line"`
	A       string            `json:"a"`
	B       string            `json:"b"`
	Columns map[string]string `json:"columns,omitempty"` // the further ones, by their names

	*score
	Error string `json:"error,omitempty"`
}

type score struct {
	Similarity   float32             `json:"similarity"`
	Same         bool                `json:"same"`
	Threshold    float32             `json:"threshold"`
	Model        string              `json:"model"`
	FamiliarityA *client.Familiarity `json:"familiarity_a,omitempty"`
	FamiliarityB *client.Familiarity `json:"familiarity_b,omitempty"`
	Warning      string              `json:"warning,omitempty"`
}

// write writes a line with its result.
func (r *result) write(l line, result scorer.Result) error {
	if r.json != nil {
		return r.json.Encode(r.object(l, result))
	}
	cells := make([]string, len(scored))
	if result.Err != nil {
		cells[len(cells)-1] = result.Err.Error()
	} else {
		cells = []string{
			scorer.Number(result.Similarity), strconv.FormatBool(result.Same), scorer.Number(result.Threshold), result.Model,
			scorer.FamiliarityNumber(result.FamiliarityA), scorer.FamiliarityNumber(result.FamiliarityB), result.Warning, "",
		}
	}
	return r.table.Write(append(l.fields[:len(l.fields):len(l.fields)], cells...))
}

func (r *result) object(l line, result scorer.Result) object {
	o := object{Line: l.number, A: l.fields[0], B: l.fields[1]}
	for i, name := range r.from.columns[2:] {
		if o.Columns == nil {
			o.Columns = make(map[string]string)
		}
		o.Columns[name] = l.fields[i+2]
	}
	if result.Err != nil {
		o.Error = result.Err.Error()
		return o
	}
	o.score = &score{
		result.Similarity, result.Same, result.Threshold, result.Model, result.FamiliarityA, result.FamiliarityB, result.Warning,
	}
	return o
}

// flush hands all lines on that were written.
func (r *result) flush() error {
	if r.table != nil {
		r.table.Flush()
		if err := r.table.Error(); err != nil {
			return err
		}
	}
	return r.buffer.Flush()
}

func (r *result) close() error {
	err := r.flush()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	return err
}
