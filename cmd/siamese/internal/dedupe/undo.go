package dedupe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
)

// What can be undone.
const (
	opMove = "move"
	opLink = "link"
)

// step is a line of the undo list: what is about to be done.
type step struct {
	Op string `json:"op"`
	// From was there before; To is where it was moved, or what it became a link to.
	// Both are absolute.
	From name `json:"from"`
	To   name `json:"to"`
	// Near says that what From was is gone.
	Near bool `json:"near,omitempty"`
	// Mode and Modified are what From had before it became a link.
	Mode     fs.FileMode `json:"mode,omitempty"`
	Modified time.Time   `json:"modified,omitzero"`
}

// name is a path in JSON: a text, and where it is no UTF-8 an object with its bytes.
type name string

type nameBytes struct {
	Bytes []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (n name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(string(n))
		return bytes.TrimSpace(text.Bytes()), err
	}
	return json.Marshal(nameBytes{[]byte(n)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *name) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		var own nameBytes
		err := json.Unmarshal(text, &own)
		*n = name(own.Bytes)
		return err
	}
	return json.Unmarshal(text, (*string)(n))
}

// undoList is a file of what was done, a JSON object a line, each on disk before it is
// done.
type undoList struct {
	path string
	file *os.File // nil before the first line
	size int64
}

// write adds a line.
func (u *undoList) write(d step) (err error) {
	if u.file == nil {
		if u.file, err = os.OpenFile(u.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
	}
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	n, err := u.file.WriteAt(append(line, '\n'), u.size)
	if err != nil { // such as half a line on a full disk: the next one takes its place
		return errors.Join(err, u.file.Truncate(u.size))
	}
	u.size += int64(n)
	return u.file.Sync()
}

// close ends the list, and says where it is, if there is one.
func (u *undoList) close(notes io.Writer) error {
	if u.file == nil {
		return nil
	}
	fmt.Fprintf(notes, "undo: siamese dedupe --undo %s\n", quoted(u.path))
	return u.file.Close()
}

// mostList bounds a list: some millions of files.
const mostList = 1 << 30

// undo undoes a list, the last first. What can't be undone is told, and stops nothing
// else.
func undo(list string, s cli.Streams) error {
	all, err := readList(list)
	if err != nil {
		return err
	}
	undone, failed := 0, 0
	for i := len(all) - 1; i >= 0; i-- {
		was, err := all[i].undo()
		switch {
		case err != nil:
			failed++
			fmt.Fprintf(s.Err, "error: %s\n", scorer.Printable(err.Error()))
		case was:
			undone++
		}
	}
	fmt.Fprintf(s.Out, "%s as before\n", count(undone, "file is", "files are"))
	if failed > 0 {
		return fmt.Errorf("%d of %d could not be undone", failed, len(all))
	}
	return nil
}

// readList reads a list. A last line that was cut off was not done.
func readList(list string) ([]step, error) {
	file, err := os.Open(list)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewReader(io.LimitReader(file, mostList))
	var all []step
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var d step
		err = json.Unmarshal(line, &d)
		if err == nil && (d.Op != opMove && d.Op != opLink || !filepath.IsAbs(string(d.From)) || !filepath.IsAbs(string(d.To))) {
			err = fmt.Errorf("received op %q of %q and %q, expected move or link of absolute paths", d.Op, d.From, d.To)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: expected a list that --link or --move has written: %w", list, len(all)+1, err)
		}
		all = append(all, d)
	}
}

// undo undoes one line; was reports whether that had been done.
func (d step) undo() (was bool, err error) {
	from, to := string(d.From), string(d.To)
	if d.Op == opLink {
		return d.unlink(from, to)
	}
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		if _, err := os.Lstat(from); err == nil {
			return false, nil // it was never moved, or is back
		}
	}
	if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
		return false, err
	}
	return true, moveFile(to, from)
}

// unlink makes a name a file of its own again.
func (d step) unlink(from, to string) (was bool, err error) {
	own, err := os.Lstat(from)
	if err != nil {
		return false, err
	}
	other, err := os.Lstat(to)
	if err != nil {
		return false, err
	}
	if !os.SameFile(own, other) {
		return false, nil
	}
	if d.Near {
		return false, fmt.Errorf("%s: was linked to a picture that looks like it, what it was is gone", from)
	}
	temporary, err := unused(filepath.Dir(from))
	if err != nil {
		return false, err
	}
	if _, err := copyFile(to, temporary); err != nil {
		return false, err
	}
	err = errors.Join(os.Chmod(temporary, d.Mode.Perm()), os.Chtimes(temporary, d.Modified, d.Modified))
	if err == nil {
		err = os.Rename(temporary, from)
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(temporary))
	}
	return true, nil
}

// quoted is a path for a shell.
func quoted(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%"
	if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
