package dataset

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Layout says how folders become classes.
type Layout int

const (
	// Auto tells the layouts apart by depth, once folders that wrap all images are
	// taken away. A single alphabet is such a folder, so that it opens as Own.
	Auto Layout = iota
	// Omniglot is alphabet/character/image; each character is a class.
	Omniglot
	// Own is class/image.
	Own
	// Things is kind/thing/image: Omniglot's layout for other data. Each thing is a
	// class, kinds take the place of alphabets.
	Things
	// Domains is domain/kind/thing/image: sorts of data that have little in common.
	Domains
)

var layoutNames = []string{"auto", "omniglot", "own", "things", "domains"}

// ParseLayout reads "auto", "omniglot", "own", "things" or "domains".
func ParseLayout(name string) (Layout, error) {
	i := slices.Index(layoutNames, name)
	if i < 0 {
		return 0, fmt.Errorf("dataset: layout is %q, expected one of %q", name, layoutNames)
	}
	return Layout(i), nil
}

// String names the layout as ParseLayout reads it.
func (l Layout) String() string {
	if !l.known() {
		return fmt.Sprintf("Layout(%d)", int(l))
	}
	return layoutNames[l]
}

func (l Layout) known() bool {
	return l >= 0 && int(l) < len(layoutNames)
}

// folders is how many folders lie around an image.
func (l Layout) folders() int {
	switch l {
	case Omniglot, Things:
		return 2
	case Domains:
		return 3
	}
	return 1
}

// form spells the layout out for an error.
func (l Layout) form() string {
	return [...]string{
		"domain/kind/thing/image, alphabet/character/image or class/image",
		"alphabet/character/image", "class/image", "kind/thing/image", "domain/kind/thing/image",
	}[l]
}

// arrangement is the layout that fits the files.
type arrangement struct {
	layout  Layout // not Auto
	wrapper string // leading folders that all files share and no name shows, "/" at the end; often empty
}

// name is the file's path below the root.
func (a arrangement) name(f *file) string {
	return strings.TrimPrefix(f.name, a.wrapper)
}

// arrange finds the layout of files, or checks the one insisted on. Files that are known
// to be no pictures say nothing of it.
func arrange(files []*file, layout Layout) (arrangement, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f *file) bool { return f.fault != nil })
	if len(files) == 0 {
		return arrangement{}, ErrNoImages
	}
	depth, err := commonDepth(files)
	if err != nil {
		return arrangement{}, err
	}
	shared := sharedFolders(files)
	expected := layout.form()
	if layout == Auto {
		switch depth - len(shared) {
		case Omniglot.folders():
			layout = Omniglot
		case Domains.folders():
			layout = Domains
		default:
			layout = Own
		}
	}
	// What lies above the layout's own folders must be the same for every image.
	wrappers := depth - layout.folders()
	if wrappers < 0 || wrappers > len(shared) {
		return arrangement{}, fmt.Errorf("%w: %q lies %d folders deep, expected %s, or that below folders that hold all images",
			ErrLayout, files[0].name, depth, expected)
	}
	form := arrangement{layout: layout}
	if wrappers > 0 {
		form.wrapper = strings.Join(shared[:wrappers], "/") + "/"
	}
	return form, nil
}

// commonDepth is the number of folders around every file.
func commonDepth(files []*file) (int, error) {
	depth := strings.Count(files[0].name, "/")
	for _, f := range files[1:] {
		if other := strings.Count(f.name, "/"); other != depth {
			return 0, fmt.Errorf("%w: %q lies %d folders deep, %q %d",
				ErrMixedDepth, files[0].name, depth, f.name, other)
		}
	}
	return depth, nil
}

// sharedFolders lists the leading folders that all files have in common. Files
// are sorted by name, so that the first and the last differ the earliest.
func sharedFolders(files []*file) []string {
	first := strings.Split(files[0].name, "/")
	last := strings.Split(files[len(files)-1].name, "/")
	shared := 0
	for shared < len(first)-1 && shared < len(last)-1 && first[shared] == last[shared] {
		shared++
	}
	return first[:shared]
}

// classes groups files, which are sorted by name.
func (a arrangement) classes(files []*file) []Class {
	byName := map[string]*Class{}
	var names []string
	for _, f := range files {
		name := a.name(f)
		folder := path.Dir(name)
		class := byName[folder]
		if class == nil {
			class = &Class{Name: folder}
			if a.layout != Own {
				class.Alphabet = path.Dir(folder)
			}
			if a.layout == Domains {
				class.Domain = path.Dir(class.Alphabet)
			}
			byName[folder] = class
			names = append(names, folder)
		}
		class.Images = append(class.Images, Image{Name: name, file: f})
	}
	slices.Sort(names)
	classes := make([]Class, 0, len(names))
	for _, name := range names {
		classes = append(classes, *byName[name])
	}
	return classes
}
