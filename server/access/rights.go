package access

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"

	"siamese/internal/regular"
)

// Right is what a caller may do with a gallery. A higher one includes the lower.
type Right int

// The rights.
const (
	None   Right = iota
	Read         // find and list what is in it
	Write        // put entries into it and remove them as well
	Manage       // make and delete it, and move it to another model as well
)

// String is the word for it in a file of rights.
func (r Right) String() string {
	switch r {
	case Read:
		return "read"
	case Write:
		return "write"
	case Manage:
		return "manage"
	}
	return "none"
}

// Anyone stands for all callers in a file of rights.
const Anyone = "*"

const maxRightsBytes = 1 << 20 // of the file: some ten thousand lines

// Rights say who may do what with which gallery, as a file has it, one right a line:
//
//	NAME read|write|manage GALLERY
//
// NAME is that of a token, else of a certificate, or * for all callers; GALLERY is a
// gallery's name, or its beginning with * behind. Of several lines the highest right
// counts; what no line gives is denied. Empty lines and lines that begin with # say
// nothing. It is safe for concurrent use.
type Rights struct {
	path  string
	held  atomic.Pointer[rightList]
	looks looks // Reload's
}

// rightList is what the file said; it does not change.
type rightList struct {
	text  []byte
	lines []given
}

// given is a line.
type given struct {
	name, gallery string
	isBeginning   bool // whether gallery is the beginning of names
	right         Right
}

// OpenRights reads the file at path. One without a right is refused: it is more likely
// half-written than meant to lock out everybody.
func OpenRights(path string) (*Rights, error) {
	r := &Rights{path: path}
	if _, err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Reload implements [Source]. What is no longer in the file is denied from the next call
// on.
func (r *Rights) Reload() (changed bool, err error) {
	text, err := regular.Read(r.path, maxRightsBytes)
	if err != nil {
		return false, fmt.Errorf("access: rights: %w", err)
	}
	held := r.held.Load()
	if held != nil && bytes.Equal(held.text, text) {
		return false, nil
	}
	lines, err := parseRights(string(text))
	if err != nil {
		return false, fmt.Errorf("access: rights in %s: %w", r.path, err)
	}
	if held != nil {
		if err := r.looks.check([]string{r.path}, [][]byte{held.text}, [][]byte{text}); err != nil {
			return false, fmt.Errorf("access: rights: %w", err)
		}
	}
	r.held.Store(&rightList{text: text, lines: lines})
	return true, nil
}

// String implements [Source].
func (r *Rights) String() string { return "rights in " + r.path }

// Of returns the right of a caller to a gallery. The name is that of the caller's token
// or certificate; empty where it has shown neither.
func (r *Rights) Of(name, gallery string) Right {
	highest := None
	for _, line := range r.held.Load().lines {
		if line.names(name) && line.covers(gallery) {
			highest = max(highest, line.right)
		}
	}
	return highest
}

func (g given) names(name string) bool {
	return g.name == Anyone || name != "" && g.name == name
}

func (g given) covers(gallery string) bool {
	if g.isBeginning {
		return strings.HasPrefix(gallery, g.gallery)
	}
	return g.gallery == gallery
}

func parseRights(text string) ([]given, error) {
	var lines []given
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		parsed, err := parseRight(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		lines = append(lines, parsed)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("received no right, expected a line %q for each", "NAME read|write|manage GALLERY")
	}
	return lines, nil
}

// parseRight reads a line from its end: the name of a certificate may have spaces.
func parseRight(line string) (given, error) {
	words := strings.Fields(line)
	if len(words) < 3 {
		return given{}, fmt.Errorf("received %d words, expected NAME, then read, write or manage, then GALLERY", len(words))
	}
	right, pattern := words[len(words)-2], words[len(words)-1]
	g := given{name: strings.Join(words[:len(words)-2], " ")}
	switch right {
	case Read.String():
		g.right = Read
	case Write.String():
		g.right = Write
	case Manage.String():
		g.right = Manage
	default:
		return given{}, fmt.Errorf("received %.32q, expected read, write or manage before the gallery", right)
	}
	g.gallery, g.isBeginning = strings.CutSuffix(pattern, Anyone)
	foreign := strings.ContainsFunc(g.gallery, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
	if foreign {
		return given{}, fmt.Errorf("received gallery %.64q, expected a gallery's name, or its beginning with * behind", pattern)
	}
	return g, nil
}
