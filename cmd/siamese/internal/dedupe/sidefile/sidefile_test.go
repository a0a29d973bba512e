package sidefile_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/cmd/siamese/internal/dedupe/sidefile"
	"siamese/gallery"
)

// long ago is before what a file system's clock can't tell apart.
var longAgo = time.Now().Add(-time.Hour)

func open(t *testing.T, path, model string) *sidefile.File {
	t.Helper()
	file, err := sidefile.Open(path, model)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func shut(t *testing.T, file *sidefile.File, all bool) {
	t.Helper()
	if err := file.Close(all); err != nil {
		t.Fatal(err)
	}
}

// sum is one of a content's.
func sum(of string) sidefile.Sum { return sha256.Sum256([]byte(of)) }

// look is of each content.
var look = overlap.Look{Width: 3, Height: 2, Levels: []byte{1, 2, 3, 4, 5, 255}}

// keep keeps a file and what a model makes of it.
func keep(t *testing.T, file *sidefile.File, path string, vector gallery.Vector) {
	t.Helper()
	content := sidefile.Content{Sum: sum(path), Width: 3, Height: 4}
	err := errors.Join(file.KeepContent(path, 7, longAgo, content), file.KeepMade(content.Sum, sidefile.Made{Vector: vector, Foreign: true, Look: look}))
	if err != nil {
		t.Fatal(err)
	}
}

// check checks what keep has kept.
func check(t *testing.T, file *sidefile.File, path string, vector gallery.Vector) {
	t.Helper()
	content, ok := file.Content(path, 7, longAgo)
	if want := (sidefile.Content{Sum: sum(path), Width: 3, Height: 4}); !ok || content != want {
		t.Errorf("Content(%q) = %v, %t, want %v", path, content, ok, want)
	}
	if made, ok := file.Made(sum(path)); !ok || !made.Vector.Equal(vector) || !made.Foreign || made.Look.Width != 3 || made.Look.Height != 2 || !bytes.Equal(made.Look.Levels, look.Levels) {
		t.Errorf("Made(%q) = %v, %t, want %v", path, made, ok, vector)
	}
}

var (
	dense  = gallery.NewVector([]float32{1, -2, 3.5})
	sparse = gallery.NewVector([]float32{0, 0, 0, 0, 0, 0, 2.5, 0})
)

// TestKeeps: what was kept is there when the file is opened again, for the model that
// made it alone.
func TestKeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	file := open(t, path, "one")
	keep(t, file, "a/b.jpg", dense)
	keep(t, file, "bytes \xff", sparse)
	shut(t, file, true)

	file = open(t, path, "one")
	defer shut(t, file, true)
	check(t, file, "a/b.jpg", dense)
	check(t, file, "bytes \xff", sparse)
	if _, ok := file.Content("a/b.jpg", 8, longAgo); ok {
		t.Error("a file of another size is known")
	}
	if _, ok := file.Content("a/b.jpg", 7, longAgo.Add(1)); ok {
		t.Error("a file of another time is known")
	}
	if _, err := sidefile.Open(path, "one"); !errors.Is(err, sidefile.ErrInUse) {
		t.Errorf("opened twice: %v, want ErrInUse", err)
	}
}

// TestOtherModel: the embeddings of another model are not given out, and not lost.
func TestOtherModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	file := open(t, path, "one")
	keep(t, file, "a", dense)
	shut(t, file, true)

	file = open(t, path, "two")
	if _, ok := file.Made(sum("a")); ok {
		t.Error("the embedding of another model is given out")
	}
	if _, ok := file.Content("a", 7, longAgo); !ok {
		t.Error("what is in a file depends on the model")
	}
	shut(t, file, true)
	file = open(t, path, "one")
	check(t, file, "a", dense)
	shut(t, file, true)
}

// TestFresh: a file that was changed a moment ago may be changed again without its time
// telling.
func TestFresh(t *testing.T) {
	file := open(t, filepath.Join(t.TempDir(), "index"), "")
	defer shut(t, file, true)
	now := time.Now()
	if err := file.KeepContent("a", 1, now, sidefile.Content{}); err != nil {
		t.Fatal(err)
	}
	if _, ok := file.Content("a", 1, now); ok {
		t.Error("a file that was just written is known by its time")
	}
}

// TestDamaged: cut off or flipped anywhere, the file opens, and has what is before.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	file := open(t, whole, "one")
	keep(t, file, "first", dense)
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	second := info.Size()
	keep(t, file, "second", sparse)
	shut(t, file, true)
	bytes, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(bytes); at += 3 { // each of them has the disk written
		flipped := append([]byte(nil), bytes...)
		flipped[at] ^= 0x55
		for what, content := range map[string][]byte{"cut": bytes[:at], "flipped": flipped} {
			path := filepath.Join(dir, "damaged")
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			file, err := sidefile.Open(path, "one")
			if at < len("siamese-index 1\n") && (what == "flipped" || at > 0) {
				if !errors.Is(err, sidefile.ErrForeign) {
					t.Fatalf("%s at %d: %v, want ErrForeign", what, at, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s at %d: %v", what, at, err)
			}
			if int64(at) >= second {
				check(t, file, "first", dense)
			}
			keep(t, file, "third", sparse)
			shut(t, file, false)
			file = open(t, path, "one")
			check(t, file, "third", sparse)
			if file.Damaged != 0 {
				t.Errorf("%s at %d: mended, it still has %d damaged bytes", what, at, file.Damaged)
			}
			shut(t, file, false)
		}
	}
}

// TestNotAFile: what somebody else put there is neither read nor written.
func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("somebody's letter, of more than a line"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, link, dir} {
		if file, err := sidefile.Open(path, ""); !errors.Is(err, sidefile.ErrForeign) {
			t.Errorf("Open(%s) = %v, %v, want ErrForeign", path, file, err)
		}
	}
}

// TestForgets: what nobody asks for goes once it is most of the file.
func TestForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	large := make([]float32, 1<<16)
	for i := range large {
		large[i] = float32(i + 1)
	}
	vector := gallery.NewVector(large)
	file := open(t, path, "two")
	keep(t, file, "kept", sparse)
	shut(t, file, true)
	file = open(t, path, "one")
	for _, name := range []string{"gone 1", "gone 2", "gone 3", "gone 4", "gone 5"} {
		keep(t, file, name, vector)
	}
	keep(t, file, "kept", dense)
	shut(t, file, true)

	file = open(t, path, "one")
	check(t, file, "kept", dense)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, file, true)
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if after.Size()*100 > before.Size() {
		t.Errorf("%d bytes of %d are left, want those of one picture", after.Size(), before.Size())
	}
	for model, vector := range map[string]gallery.Vector{"one": dense, "two": sparse} {
		file = open(t, path, model)
		check(t, file, "kept", vector)
		shut(t, file, false)
	}
}

// TestKeepsAgreement: how well two contents agree is there again in either order, and goes
// with either of them.
func TestKeepsAgreement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	file := open(t, path, "one")
	for name, vector := range map[string]gallery.Vector{"a": dense, "b": dense, "gone": gallery.NewVector(slices.Repeat([]float32{1}, 1<<19))} {
		keep(t, file, name, vector)
	}
	if err := errors.Join(file.KeepAgreement(sum("a"), sum("b"), 0.5), file.KeepAgreement(sum("gone"), sum("a"), 0.25)); err != nil {
		t.Fatal(err)
	}
	shut(t, file, true)

	file = open(t, path, "one")
	for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		if got, ok := file.Agreement(sum(pair[0]), sum(pair[1])); !ok || got != 0.5 {
			t.Errorf("Agreement(%v) = %v, %t, want 0.5", pair, got, ok)
		}
	}
	if _, ok := file.Agreement(sum("b"), sum("gone")); ok {
		t.Error("an agreement is known that was never kept")
	}
	check(t, file, "a", dense)
	check(t, file, "b", dense)
	shut(t, file, true) // without "gone", which most of the file is about

	file = open(t, path, "one")
	defer shut(t, file, false)
	if got, ok := file.Agreement(sum("a"), sum("b")); !ok || got != 0.5 {
		t.Errorf("written again, Agreement = %v, %t, want 0.5", got, ok)
	}
	if got, ok := file.Agreement(sum("gone"), sum("a")); ok {
		t.Errorf("the agreement with a content that is gone is %v, want none", got)
	}
}
