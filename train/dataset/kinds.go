package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// ByKind is the same data with each kind for a class, its things' images together: what
// a measurement at the level of kinds takes. A thing without a kind stays as it is.
// Domains stay, and take the place of kinds.
func (d *Dataset) ByKind() (*Dataset, error) {
	kinds := d.like()
	place := map[string]int{}
	for _, class := range d.classes {
		name := class.Alphabet
		if name == "" {
			name = class.Name
		}
		at, known := place[name]
		if !known {
			at = len(kinds.classes)
			place[name] = at
			kinds.classes = append(kinds.classes, Class{Name: name, Alphabet: class.Domain, Domain: class.Domain})
		}
		kinds.classes[at].Images = append(kinds.classes[at].Images, class.Images...)
	}
	slices.SortFunc(kinds.classes, func(a, b Class) int { return strings.Compare(a.Name, b.Name) })
	if err := kinds.enough(); err != nil {
		return nil, fmt.Errorf("dataset: by kind: %w", err)
	}
	return kinds, nil
}

// like is an empty dataset on the same source.
func (d *Dataset) like() *Dataset {
	return &Dataset{preparer: d.preparer, source: d.source, shown: d.shown, layout: d.layout, penned: d.penned}
}

// Matches reports whether a class has the name, lies in the folder, or fits the pattern,
// as in ReadForbidden.
func (c Class) Matches(pattern string) bool { return matches(pattern, c.Name) }

// Only is the part of the data whose classes match one of the patterns; all of it where
// there are none. ErrNoImages, ErrTooFewClasses and ErrNoPairs say that it is no dataset.
func (d *Dataset) Only(patterns []string) (*Dataset, error) {
	if len(patterns) == 0 {
		return d, nil
	}
	only := d.part(func(c Class, _ Image) bool { return slices.ContainsFunc(patterns, c.Matches) })
	if err := only.enough(); err != nil {
		return nil, fmt.Errorf("dataset: only %q: %w", patterns, err)
	}
	return only, nil
}
