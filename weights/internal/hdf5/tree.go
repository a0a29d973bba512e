package hdf5

import (
	"fmt"
	"strings"
)

// MaxMembers is how many groups and arrays one group of a written file can hold.
const MaxMembers = 2 * treeRank * leafEntries

// Tree is a group to be written with all that it holds.
type Tree struct {
	Name       string // unused for the root
	Attributes []Attribute
	Groups     []Tree
	Arrays     []Array
}

// Attribute is a string attribute to be written, as byte strings of fixed length: those
// come back as bytes from every h5py, which Keras 2 needs.
type Attribute struct {
	Name   string
	Values []string
	Scalar bool // one value that is no list
}

// Array is a float32 dataset to be written.
type Array struct {
	Name  string
	Shape []int     // at least one dimension, each at least 1
	Data  []float32 // row-major
}

// validate checks what the format cannot hold, in t and below.
func (t Tree) validate(where string) error {
	if n := len(t.Groups) + len(t.Arrays); n > MaxMembers {
		return fmt.Errorf("group %q has %d members, want at most %d", where, n, MaxMembers)
	}
	for _, a := range t.Attributes {
		if err := a.validate(); err != nil {
			return fmt.Errorf("group %q: %w", where, err)
		}
	}
	seen := make(map[string]bool)
	unique := func(name string) error {
		if name == "" || len(name) > maxNameBytes || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("group %q: member name %q, want 1 to %d bytes without slash and zero", where, name, maxNameBytes)
		}
		if seen[name] {
			return fmt.Errorf("group %q: member %q twice, want it once", where, name)
		}
		seen[name] = true
		return nil
	}
	for _, a := range t.Arrays {
		if err := unique(a.Name); err != nil {
			return err
		}
		if err := a.validate(); err != nil {
			return fmt.Errorf("group %q: %w", where, err)
		}
	}
	for _, g := range t.Groups {
		if err := unique(g.Name); err != nil {
			return err
		}
		if err := g.validate(where + g.Name + "/"); err != nil {
			return err
		}
	}
	return nil
}

func (a Attribute) validate() error {
	if a.Name == "" || strings.Contains(a.Name, "\x00") {
		return fmt.Errorf("attribute name %q, want a name without zero bytes", a.Name)
	}
	if a.Scalar && len(a.Values) != 1 {
		return fmt.Errorf("scalar attribute %q has %d values, want 1", a.Name, len(a.Values))
	}
	if n := len(a.encode()); n > maxMessageBytes {
		return fmt.Errorf("attribute %q takes %d bytes, want at most %d", a.Name, n, maxMessageBytes)
	}
	return nil
}

func (a Array) validate() error {
	if len(a.Shape) == 0 || len(a.Shape) > maxRank {
		return fmt.Errorf("array %q has %d dimensions, want 1 to %d", a.Name, len(a.Shape), maxRank)
	}
	// Divided down, not multiplied up: a product could overflow to the right length.
	left := len(a.Data)
	for _, dim := range a.Shape {
		if dim < 1 || left%dim != 0 {
			return fmt.Errorf("array %q has shape %d and %d values, want them to agree", a.Name, a.Shape, len(a.Data))
		}
		left /= dim
	}
	if left != 1 {
		return fmt.Errorf("array %q has shape %d and %d values, want them to agree", a.Name, a.Shape, len(a.Data))
	}
	return nil
}
