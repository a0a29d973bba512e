package batch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"siamese/cmd/siamese/internal/pictures"
)

// list is an open list.
type list struct {
	*bufio.Reader
	name  string
	dir   string // that relative paths count from first
	file  *os.File
	lines int // about; 0: not known
}

// openList opens a file or standard input. The caller closes it.
func openList(ctx context.Context, name string, stdin io.Reader) (*list, error) {
	if name == pictures.Stdin {
		return &list{Reader: bufio.NewReader(&waiting{ctx: ctx, from: stdin}), name: name}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	l := &list{Reader: bufio.NewReader(file), name: name, dir: filepath.Dir(name), file: file}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return l, nil // a pipe is read once
	}
	if l.lines, err = countLines(file); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), file.Close())
	}
	_, err = file.Seek(0, io.SeekStart)
	return l, err
}

func (l *list) close() {
	if l.file != nil {
		_ = l.file.Close() // it was only read
	}
}

// countLines counts lines, for progress.
func countLines(in io.Reader) (lines int, err error) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := in.Read(buffer)
		lines += bytes.Count(buffer[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// waiting reads in a goroutine of its own, as a terminal's or a pipe's reading can't
// be interrupted, and ends with ctx.
type waiting struct {
	ctx  context.Context // of the command that reads
	from io.Reader
	read chan chunk // of the goroutine; nil before the first Read
	left []byte
	err  error
}

type chunk struct {
	bytes []byte
	err   error
}

// Read implements io.Reader.
func (w *waiting) Read(p []byte) (int, error) {
	if w.read == nil {
		w.read = make(chan chunk) // 0: the next piece is read when it is asked for
		go w.pump()
	}
	if len(w.left) == 0 && w.err == nil {
		select {
		case <-w.ctx.Done():
			return 0, w.ctx.Err()
		case next := <-w.read:
			w.left, w.err = next.bytes, next.err
		}
	}
	if len(w.left) == 0 {
		return 0, w.err
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

func (w *waiting) pump() {
	for {
		buffer := make([]byte, 4<<10)
		n, err := w.from.Read(buffer)
		select {
		case w.read <- chunk{buffer[:n], err}:
		case <-w.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// line is a pair of the list.
type line struct {
	number int      // from 1
	fields []string // as many as the list has columns
	a, b   string   // the files
	err    error    // why there is no pair
}

// reader reads a list's lines.
type reader struct {
	*csv.Reader
	comma   rune
	dir     string
	columns []string // their names
	named   bool     // by the list itself
	first   []string // a first record that is a pair
	at      int      // its line
}

// newReader reads the head of a list. auto, yes or no say whether it names its columns.
func newReader(in *list, header string) (*reader, error) {
	comma, err := begin(in)
	if err != nil {
		return nil, err
	}
	r := &reader{Reader: csv.NewReader(in), comma: comma, dir: in.dir}
	r.Comma, r.FieldsPerRecord = comma, -1
	r.LazyQuotes = comma == '\t' // there a quote is a letter, as most programs have it
	record, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("received an empty list, expected two image files a line")
	}
	if err != nil {
		return nil, err
	}
	if len(record) < 2 {
		return nil, fmt.Errorf("line 1: received 1 field where %q divides them, expected two image files", comma)
	}
	r.named = header == "yes" || header == "auto" && !isPicturePath(r.path(record[0])) && !isPicturePath(r.path(record[1]))
	if r.columns = record; !r.named {
		r.columns, r.first = []string{"a", "b"}, record
		r.at, _ = r.FieldPos(0)
		for i := 2; i < len(record); i++ {
			r.columns = append(r.columns, fmt.Sprintf("column_%d", i+1))
		}
	}
	return r, nil
}

// sniffBytes are looked at for the list's form.
const sniffBytes = 4 << 10

// begin skips a byte order mark and tells what divides fields: by the file's name,
// else a tab where the first line has one.
func begin(in *list) (comma rune, err error) {
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return 0, err
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return 0, errors.New("received UTF-16, expected UTF-8: save the list again as that")
		}
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(head, mark) {
		if _, err := in.Discard(len(mark)); err != nil {
			return 0, err
		}
		head = head[len(mark):]
	}
	switch ending(in.name) {
	case ".csv":
		return ',', nil
	case ".tsv":
		return '\t', nil
	}
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.ContainsRune(first, '\t') {
		return '\t', nil
	}
	return ',', nil
}

// ending is a file's, in small letters.
func ending(path string) string { return strings.ToLower(filepath.Ext(path)) }

// next returns up to most lines, and with the last ones io.EOF.
func (r *reader) next(ctx context.Context, most int) ([]line, error) {
	var lines []line
	if r.first != nil {
		lines, r.first = append(lines, r.line(r.at, r.first)), nil
	}
	for len(lines) < most {
		record, err := r.Read()
		if failure, ok := errors.AsType[*csv.ParseError](err); ok {
			lines = append(lines, r.fit(line{number: failure.StartLine, fields: record, err: fmt.Errorf("line %d: %w", failure.StartLine, failure.Err)}))
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return lines, err
		}
		number, _ := r.FieldPos(0)
		lines = append(lines, r.line(number, record))
	}
	return lines, nil
}

// line makes a pair of a record.
func (r *reader) line(number int, record []string) line {
	l := line{number: number, fields: record}
	switch {
	case len(record) < 2 || record[0] == "" || record[1] == "":
		l.err = fmt.Errorf("line %d: received %d fields, expected two image files", number, len(slices.DeleteFunc(slices.Clone(record), func(f string) bool { return f == "" })))
	case len(record) > len(r.columns):
		l.err = fmt.Errorf("line %d: received %d fields, expected at most the %d of the first line", number, len(record), len(r.columns))
	default:
		l.a, l.b = r.path(record[0]), r.path(record[1])
	}
	return r.fit(l)
}

// fit gives a line as many fields as the list has columns.
func (r *reader) fit(l line) line {
	fields := make([]string, len(r.columns))
	copy(fields, l.fields)
	l.fields = fields
	return l
}

// path is a file of the list, from the current folder: one that is not in the list's
// folder but here is taken from here, as lists are written either way.
func (r *reader) path(field string) string {
	if filepath.IsAbs(field) {
		return field
	}
	inList := filepath.Join(r.dir, field)
	if _, err := os.Stat(inList); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(field); err == nil {
			return field
		}
	}
	return inList
}
