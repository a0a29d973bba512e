package dataset

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Forbidden says which classes must not count as different: data in which a thing has
// several names, or where nobody knows. The nil value forbids nothing. It never changes.
type Forbidden struct{ groups [][]string }

// maxForbiddenLine bounds a line of the file, in bytes.
const maxForbiddenLine = 1 << 20

// ReadForbidden reads a list of groups, one a line: patterns of class names divided by
// spaces, such as
//
//	clothes/t_shirt clothes/top/* clothes/polo   # tops are fuzzy
//	apples/*
//
// No two classes of a line count as different. A pattern is a class's name, its kind's
// or its domain's, with path.Match's *, ? and [] within a folder's name; it takes all
// classes below. What follows a # is a remark, empty lines mean nothing. Errors are a
// line with a malformed pattern, and r's own.
func ReadForbidden(r io.Reader) (*Forbidden, error) {
	f := &Forbidden{}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxForbiddenLine)
	for number := 1; scanner.Scan(); number++ {
		text, _, _ := strings.Cut(scanner.Text(), "#")
		group := strings.Fields(text)
		for _, pattern := range group {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("dataset: forbidden negatives: line %d: pattern %q: %w", number, pattern, err)
			}
		}
		if len(group) > 0 {
			f.groups = append(f.groups, group)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("dataset: forbidden negatives: %w", err)
	}
	return f, nil
}

// Check returns an error that names a pattern which no class of the whole data has: a
// name that was misspelt would otherwise forbid nothing.
func (f *Forbidden) Check(d *Dataset) error {
	for _, group := range f.groups {
		for _, pattern := range group {
			if !slices.ContainsFunc(d.classes, func(c Class) bool { return matches(pattern, c.Name) }) {
				return fmt.Errorf("%w: forbidden negatives name %q, which no class has", ErrUnknownName, pattern)
			}
		}
	}
	return nil
}

// Of gives for each class the groups that it is in, for Together. Patterns without a
// class are passed over, since a part of the data lacks some.
func (f *Forbidden) Of(classes []Class) *Ambiguity {
	found := &Ambiguity{groups: make([][]int, len(classes))}
	if f == nil {
		return found
	}
	for number, group := range f.groups {
		for i, class := range classes {
			if slices.ContainsFunc(group, func(pattern string) bool { return matches(pattern, class.Name) }) {
				found.groups[i] = append(found.groups[i], number)
			}
		}
	}
	return found
}

// matches reports whether a pattern is that of a name or of a folder around it.
func matches(pattern, name string) bool {
	folders := strings.Split(name, "/")
	depth := strings.Count(pattern, "/") + 1
	if depth > len(folders) {
		return false
	}
	ok, _ := path.Match(pattern, strings.Join(folders[:depth], "/")) // ReadForbidden has checked the pattern
	return ok
}

// Ambiguity says which of some classes must not count as different, by index.
type Ambiguity struct{ groups [][]int }

// Together reports whether two classes share a group. A class is together with itself
// only if it is in one; nil says no.
func (a *Ambiguity) Together(first, second int) bool {
	if a == nil {
		return false
	}
	for _, x := range a.groups[first] {
		for _, y := range a.groups[second] {
			if x == y {
				return true
			}
		}
	}
	return false
}
