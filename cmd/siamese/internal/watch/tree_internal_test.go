package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"siamese/internal/proctest"
)

// settle is how long a file of these tests has not been changed before it is whole.
const settle = time.Second

// folder is a tree whose times are made up.
type folder struct {
	*testing.T
	*tree
	now     time.Time
	watched map[string]bool
}

func newFolder(t *testing.T, names ...string) *folder {
	t.Helper()
	f := &folder{T: t, now: time.Now(), watched: make(map[string]bool)}
	dir := filepath.Join(t.TempDir(), "pictures")
	f.make(dir)
	var err error
	if f.tree, err = newTree(dir); err != nil {
		t.Fatal(err)
	}
	f.watch = func(dir string) error { f.watched[dir] = true; return nil }
	f.unwatch = func(dir string) {
		for watched := range f.watched {
			if watched == dir || isBelow(watched, dir) {
				delete(f.watched, watched)
			}
		}
	}
	f.put(names...)
	f.scan(f.now)
	f.takeIn()
	return f
}

func (f *folder) make(dir string) {
	f.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		f.Fatal(err)
	}
}

// put puts pictures into the folder.
func (f *folder) put(names ...string) {
	f.Helper()
	for _, name := range names {
		path := filepath.Join(f.root, name)
		f.make(filepath.Dir(path))
		if err := os.WriteFile(path, proctest.ReadFile(f.T, proctest.GlyphA), 0o644); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *folder) rename(from, to string) {
	f.Helper()
	if err := os.Rename(from, to); err != nil {
		f.Fatal(err)
	}
}

// takeIn lets time pass, and takes in what is whole and what is gone.
func (f *folder) takeIn() (whole, gone []string) {
	f.now = f.now.Add(2 * settle)
	whole, gone = f.whole(f.now, settle), f.gone(f.now, settle)
	f.taken(whole, gone)
	return f.names(whole), f.names(gone)
}

func (f *folder) names(paths []string) (names []string) {
	for _, path := range paths {
		name, err := filepath.Rel(f.root, path)
		if err != nil {
			f.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// check holds what is taken in next against what is wanted.
func (f *folder) check(wantWhole, wantGone []string) {
	f.Helper()
	if whole, gone := f.takeIn(); !slices.Equal(whole, wantWhole) || !slices.Equal(gone, wantGone) {
		f.Errorf("whole %q, gone %q; want %q and %q", whole, gone, wantWhole, wantGone)
	}
}

// present is as that of the tree, whose answer has to be this.
func (f *folder) isPresent(wantThere, wantAgain bool) {
	f.Helper()
	there, again, err := f.present(f.now)
	if there != wantThere || again != wantAgain || (err == nil) != there {
		f.Errorf("present: there %t, again %t, %v; want %t, %t", there, again, err, wantThere, wantAgain)
	}
}

func TestFolderThatIsAway(t *testing.T) {
	f := newFolder(t, "a.png", "b.png")
	f.isPresent(true, false)
	f.rename(f.root, f.root+" elsewhere")
	f.changed(filepath.Join(f.root, "a.png"), f.now) // as its disk is unmounted
	f.isPresent(false, false)
	f.check(nil, nil)
	if len(f.watched) != 0 {
		t.Errorf("still watched: %v", f.watched)
	}
	f.make(f.root) // where a disk may be mounted
	f.isPresent(true, true)
	f.scan(f.now)
	f.check(nil, nil)
	f.isPresent(true, false)
	f.put("b.png", "sub/c.png")
	f.isPresent(true, false)
	f.isPresent(true, false)
	f.check([]string{"b.png", "sub/c.png"}, []string{"a.png"})
	if !f.watched[f.root] || !f.watched[filepath.Join(f.root, "sub")] {
		t.Errorf("watched: %v, want the folder and sub", f.watched)
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	f := newFolder(t, "a.png")
	f.rename(f.root, f.root+" elsewhere")
	if err := os.WriteFile(f.root, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.isPresent(false, false)
	f.check(nil, nil)
}

func TestFolderBelowThatIsAnother(t *testing.T) {
	f := newFolder(t, "sub/a.png", "sub/b.png", "subway.png")
	sub := filepath.Join(f.root, "sub")
	f.rename(sub, f.root+" elsewhere")
	f.put("sub/c.png")
	f.changed(sub, f.now)
	f.check([]string{"sub/c.png"}, []string{"sub/a.png", "sub/b.png"})
	f.rename(sub, f.root+" elsewhere again")
	f.changed(sub, f.now)
	f.check(nil, []string{"sub/c.png"})
	if f.watched[sub] {
		t.Error("a folder that is gone is still watched")
	}
}

func TestFileThatCantBeLookedAtIsNotGone(t *testing.T) {
	f := newFolder(t, "sub/a.png")
	path := filepath.Join(f.root, "sub/a.png")
	f.lose(path, f.now) // as where the folder could not be read
	f.check(nil, nil)
	f.rename(path, path+".elsewhere")
	f.lose(path, f.now)
	f.check(nil, []string{"sub/a.png"})
}

func TestFileThatIsStillWritten(t *testing.T) {
	f := newFolder(t)
	path := filepath.Join(f.root, "a.png")
	whole := proctest.ReadFile(t, proctest.GlyphA)
	for n := range 3 { // more comes each time before it settles
		if err := os.WriteFile(path, whole[:len(whole)*(n+1)/3], 0o644); err != nil {
			t.Fatal(err)
		}
		f.changed(path, f.now)
		f.now = f.now.Add(settle / 2)
		if got := f.whole(f.now, settle); len(got) != 0 {
			t.Errorf("part %d is taken for the whole", n+1)
		}
	}
	f.check([]string{"a.png"}, nil)
}

func TestEventsOfTheFolderWhereOneStands(t *testing.T) {
	f := newFolder(t, "a.png")
	t.Chdir(f.root)
	here, err := newTree(".")
	if err != nil {
		t.Fatal(err)
	}
	here.scan(f.now)
	here.taken(here.whole(f.now.Add(settle), settle), nil)
	f.rename("a.png", "b.png")
	for _, name := range []string{"./a.png", "./b.png"} { // as the system says it
		here.changed(name, f.now)
	}
	later := f.now.Add(settle)
	if whole, gone := here.whole(later, settle), here.gone(later, settle); !slices.Equal(whole, []string{"b.png"}) || !slices.Equal(gone, []string{"a.png"}) {
		t.Errorf("whole %q, gone %q; want b.png and a.png", whole, gone)
	}
}
