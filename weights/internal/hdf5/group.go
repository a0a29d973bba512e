package hdf5

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Group is a folder of the file. It reads from the file when asked and is not safe for
// concurrent use.
type Group struct {
	source     *source
	path       string
	members    map[string]uint64 // name to address of the member's header
	attributes map[string]attribute
}

// group reads the group whose header lies at addr.
func (s *source) group(addr uint64, where string) (*Group, error) {
	messages, err := s.header(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	g := &Group{source: s, path: where, attributes: make(map[string]attribute)}
	for _, m := range messages {
		switch m.kind {
		case messageSymbolTable:
			f := newFields(m.body)
			tree, heap := f.u64(), f.u64()
			if f.err != nil {
				return nil, fmt.Errorf("%s: symbol table: %w", where, f.err)
			}
			if g.members, err = s.symbols(tree, heap); err != nil {
				return nil, fmt.Errorf("%s: symbol table: %w", where, err)
			}
		case messageAttribute:
			a, err := parseAttribute(m.body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			g.attributes[a.name] = a
		}
	}
	if g.members == nil {
		return nil, fmt.Errorf("%w: %s has no symbol table: not an old-style group", ErrUnsupported, where)
	}
	return g, nil
}

// Members returns the names of the groups and datasets in g, sorted by bytes. The slice
// is the caller's.
func (g *Group) Members() []string { return slices.Sorted(maps.Keys(g.members)) }

// Has reports whether g has a member of that name.
func (g *Group) Has(name string) bool {
	_, ok := g.members[name]
	return ok
}

// HasAttribute reports whether g has an attribute of that name.
func (g *Group) HasAttribute(name string) bool {
	_, ok := g.attributes[name]
	return ok
}

// Group returns the group at a path below g, its parts divided by slashes. It is
// ErrNotFound where a part is missing.
func (g *Group) Group(below string) (*Group, error) {
	for name := range strings.SplitSeq(below, "/") {
		addr, ok := g.members[name]
		if !ok {
			return nil, fmt.Errorf("%w: %q in %s", ErrNotFound, name, g.path)
		}
		next, err := g.source.group(addr, path.Join(g.path, name))
		if err != nil {
			return nil, err
		}
		g = next
	}
	return g, nil
}

// Dataset returns the dataset at a path below g, its parts divided by slashes. It is
// ErrNotFound where a part is missing, and ErrUnsupported where the dataset is not
// contiguous little-endian float32.
func (g *Group) Dataset(below string) (*Dataset, error) {
	folder, name := path.Split(below)
	if folder != "" {
		var err error
		if g, err = g.Group(strings.TrimSuffix(folder, "/")); err != nil {
			return nil, err
		}
	}
	addr, ok := g.members[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q in %s", ErrNotFound, name, g.path)
	}
	return g.source.dataset(addr, path.Join(g.path, name))
}

// Strings returns the values of a string attribute of g, one for a scalar, without their
// padding. An attribute without elements is empty whatever its type, as Keras writes
// empty lists. It is ErrNotFound where g has no such attribute and ErrUnsupported where
// it holds something else than strings.
func (g *Group) Strings(attribute string) ([]string, error) {
	a, ok := g.attributes[attribute]
	if !ok {
		return nil, fmt.Errorf("%w: attribute %q of %s", ErrNotFound, attribute, g.path)
	}
	values, err := a.strings(g.source)
	if err != nil {
		return nil, fmt.Errorf("attribute %q of %s: %w", attribute, g.path, err)
	}
	return values, nil
}
