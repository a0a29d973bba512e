package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

var update = flag.Bool("update", false, "write testdata again")

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]embedded.Config{
		"received no Dir": {}, "MaxOpen: received -1": {Dir: "x", MaxOpen: -1}, "LockTimeout: received -1s": {Dir: "x", LockTimeout: -time.Second}, "which is a file": {Dir: file},
	} {
		if _, err := embedded.Open(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%+v) = %v, want %q in it", config, err, want)
		}
	}
}

// TestFolder says when the folder and its files are made, and for whom.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	store := open(t, dir)
	if _, err := store.Galleries(t.Context()); err != nil {
		t.Errorf("Galleries() without a folder = %v, want no error", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Open() or Galleries() has made the folder, want Create to")
	}
	create(t, store, "g", 4)
	for path, want := range map[string]os.FileMode{dir: os.ModeDir | 0o700, filepath.Join(dir, "g.gallery"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	for _, name := range []string{"../g", "g/", "G", "", ".g", "a\x00"} {
		if err := store.Create(t.Context(), gallery.Info{Name: name}); err == nil {
			t.Errorf("Create(%q) = nil, want an error", name)
		}
		if _, err := store.Count(t.Context(), name); err == nil {
			t.Errorf("Count(%q) = nil, want an error", name)
		}
	}
	if files := namesIn(t, dir); !slices.Equal(files, []string{"g.gallery"}) {
		t.Errorf("the folder has %q, want the gallery alone", files)
	}
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// TestListMany lists few of more entries than one transaction looks at.
func TestListMany(t *testing.T) {
	store := open(t, t.TempDir())
	create(t, store, "g", 1)
	entries := make([]gallery.Entry, 5000)
	var want []string
	for i := range entries {
		entries[i] = gallery.Entry{ID: fmt.Sprintf("%04d", i), Thing: fmt.Sprint(i % 2), ModelDigest: digest("model"), Embedding: gallery.NewVector([]float32{1})}
		if i%1000 == 999 {
			entries[i].Metadata = map[string]string{"rare": "yes"}
			want = append(want, entries[i].ID)
		}
	}
	put(t, store, "g", entries...)
	for _, thing := range []string{"", "1"} {
		got, err := store.List(t.Context(), "g", gallery.Listing{Limit: 4, Filter: gallery.Filter{"rare": "yes"}, Thing: thing})
		if err != nil || !slices.Equal(idsOf(got), want[:4]) {
			t.Errorf("List(4 of thing %q) = %q, %v, want %q", thing, idsOf(got), err, want[:4])
		}
		got, err = store.List(t.Context(), "g", gallery.Listing{Limit: 4, Filter: gallery.Filter{"rare": "yes"}, Thing: thing, After: want[3]})
		if err != nil || !slices.Equal(idsOf(got), want[4:]) {
			t.Errorf("List(4 of thing %q behind %q) = %q, %v, want %q", thing, want[3], idsOf(got), err, want[4:])
		}
		got, err = store.List(t.Context(), "g", gallery.Listing{Limit: 4, Filter: gallery.Filter{"rare": "no"}, Thing: thing})
		if err != nil || len(got) > 0 {
			t.Errorf("List(none of thing %q) = %q, %v, want none", thing, idsOf(got), err)
		}
	}
}

// TestReopen looks at what is there after closing, and that a file that is moved is a
// gallery of its new name.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := writeGallery(t, dir)
	if checkDamaged(t, dir, "no damage") {
		t.Error("a gallery that was closed is said to be damaged")
	}
	if err := os.Rename(path, filepath.Join(dir, "moved.gallery")); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir)
	info, err := store.Gallery(t.Context(), "moved")
	if err != nil || info.Name != "moved" {
		t.Errorf("Gallery() of a file that was moved = %+v, %v, want its new name", info, err)
	}
	if _, err := store.Gallery(t.Context(), "g"); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Gallery() of the old name = %v, want %v", err, gallery.ErrNotFound)
	}
}

// TestGolden reads a file that version 1 wrote, of entries 0 to 11.
func TestGolden(t *testing.T) {
	const golden = "testdata/version-1.gallery"
	var want []gallery.Entry
	for i := range 12 {
		e := damageEntry(i)
		if i%10 == 0 {
			e.Picture, e.Thumbnail = []byte("picture"), []byte{byte(i)}
		}
		want = append(want, e)
	}
	if *update {
		dir := t.TempDir()
		store := open(t, dir)
		create(t, store, "g", damageLength)
		put(t, store, "g", want...)
		b, err := os.ReadFile(filepath.Join(dir, "g.gallery"))
		if err := errors.Join(err, os.WriteFile(golden, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "g.gallery"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir)
	got, err := store.List(t.Context(), "g", gallery.Listing{Limit: 99, With: everything})
	if err != nil || !slices.EqualFunc(want, got, same) {
		t.Errorf("List() of a file of version 1 = %d entries, %v, want the %d that were put", len(got), err, len(want))
	}
	checkNearestOf(t, store, want, nil, func(call string, err error) bool {
		if err != nil {
			t.Errorf("%s of a file of version 1 = %v, want no error", call, err)
		}
		return err != nil
	})
}

func TestNewerVersion(t *testing.T) {
	dir := t.TempDir()
	path := writeGallery(t, dir)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		// The number 2 with the CRC-32C of "version" and it.
		return tx.Bucket([]byte("gallery")).Put([]byte("version"), []byte{0, 0, 0, 0, 0, 0, 0, 2, 0x59, 0xcd, 0xf4, 0x1d})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir)
	_, err = store.Count(t.Context(), "g")
	if !errors.Is(err, embedded.ErrVersion) || !strings.Contains(err.Error(), "version 2, expected 1") || !strings.Contains(err.Error(), path) {
		t.Errorf("Count() of a gallery of version 2 = %v, want %v with both versions and the file's name", err, embedded.ErrVersion)
	}
	if _, err := store.Delete(t.Context(), "g"); !errors.Is(err, embedded.ErrVersion) {
		t.Errorf("Delete() of a gallery of version 2 = %v, want %v", err, embedded.ErrVersion)
	}
}

// TestMaxOpen has calls about more galleries than may be open, at the same time.
func TestMaxOpen(t *testing.T) {
	dir := t.TempDir()
	store, err := embedded.Open(embedded.Config{Dir: dir, MaxOpen: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const galleries, rounds = 5, 4
	var group errgroup.Group
	for i := range galleries {
		name := fmt.Sprintf("g%d", i)
		create(t, store, name, crashLength)
		group.Go(func() error {
			for round := range rounds {
				if _, err := store.Put(t.Context(), name, []gallery.Entry{crashEntry(fmt.Sprintf("%03d/%d", i, round), 1)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range galleries {
		if c, err := store.Count(t.Context(), fmt.Sprintf("g%d", i)); err != nil || c.Entries != rounds {
			t.Errorf("Count() of gallery %d = %+v, %v, want %d", i, c, err, rounds)
		}
	}
	// Those that are not open are free for others.
	other, err := embedded.Open(embedded.Config{Dir: dir, LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range galleries {
		_, err := other.Count(t.Context(), fmt.Sprintf("g%d", i))
		if used := i >= galleries-2; errors.Is(err, gallery.ErrInUse) != used {
			t.Errorf("Count() of gallery %d by another store = %v, want that it is in use: %t", i, err, used)
		}
	}
}

// TestOddEmbeddings has embeddings that can't be searched: they are refused, or, where
// they were put before the gallery got another model, not found, and hinder no other.
func TestOddEmbeddings(t *testing.T) {
	store := open(t, t.TempDir())
	create(t, store, "g", 3)
	odd := func(id, model string, numbers ...float32) gallery.Entry {
		return gallery.Entry{ID: id, ModelDigest: digest(model), Embedding: gallery.NewVector(numbers)}
	}
	for _, number := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m, err := gallery.NewMetric(digest("model"), []float32{1, 1, 1})
		if err != nil {
			t.Fatal(err)
		}
		query := gallery.Query{Embedding: gallery.NewVector([]float32{1, float32(number), 2}), Metric: m, Limit: 1}
		if _, err := store.Nearest(t.Context(), "g", query); err == nil {
			t.Errorf("Nearest() to an embedding with %v = nil, want an error", number)
		}
		for _, model := range []string{"model", "other"} {
			if _, err := store.Put(t.Context(), "g", []gallery.Entry{odd("a", model, 1, float32(number), 2)}); err == nil {
				t.Errorf("Put() of an embedding with %v = nil, want an error", number)
			}
		}
	}
	put(t, store, "g", odd("short", "other", 1), odd("right", "other", 1, 2, 3), odd("large", "other", math.MaxFloat32, 0, 1))
	info := gallery.Info{Name: "g", ModelDigest: digest("other"), EmbeddingLength: 3}
	if err := store.Update(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	metric, err := gallery.NewMetric(digest("other"), []float32{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	query := gallery.Query{Embedding: gallery.NewVector([]float32{1, 2, 3}), Metric: metric, Limit: 2}
	if got := nearest(t, store, query); got[0].ID != "right" || got[1].ID != "large" {
		t.Errorf("Nearest() = %q and %q, want %q and %q", got[0].ID, got[1].ID, "right", "large")
	}
}

// TestConsistent finds all of a gallery's entries, while writers replace them in groups
// whose entries have the same metadata: no search may miss one, see one twice, or see a
// part of a group.
func TestConsistent(t *testing.T) {
	const groups, size, rounds = 3, 8, 40
	store := open(t, t.TempDir())
	create(t, store, "g", crashLength)
	write := func(group, round int) error {
		entries := make([]gallery.Entry, size)
		for i := range entries {
			entries[i] = crashEntry(fmt.Sprintf("%d/%06d", group, i), 1+round%3)
			entries[i].Metadata = map[string]string{"round": fmt.Sprint(round), "group": fmt.Sprint(group)}
		}
		_, err := store.Put(context.Background(), "g", entries)
		return err
	}
	for group := range groups {
		if err := write(group, 0); err != nil {
			t.Fatal(err)
		}
	}
	metric, err := gallery.NewMetric(digest("model"), slices.Repeat([]float32{1}, crashLength))
	if err != nil {
		t.Fatal(err)
	}
	query := gallery.Query{Embedding: crashEntry("abc", 1).Embedding, Metric: metric, Limit: 100}
	done := make(chan struct{})
	var writers errgroup.Group
	for group := range groups {
		writers.Go(func() error {
			for round := range rounds {
				if err := write(group, round); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var readers errgroup.Group
	for range 2 {
		readers.Go(func() error { return searchUntil(done, store, query, groups, size) })
	}
	err = writers.Wait()
	close(done)
	if err := errors.Join(err, readers.Wait()); err != nil {
		t.Error(err)
	}
}

func searchUntil(done chan struct{}, store gallery.Store, query gallery.Query, groups, size int) error {
	for {
		select {
		case <-done:
			return nil
		default:
		}
		found, err := store.Nearest(context.Background(), "g", query)
		if err != nil || len(found) != groups*size {
			return fmt.Errorf("Nearest() beside writers = %d entries, %w, want %d", len(found), err, groups*size)
		}
		ids, rounds := make(map[string]bool), make(map[string]bool)
		for _, c := range found {
			ids[c.ID] = true
			rounds[c.Metadata["group"]+" "+c.Metadata["round"]] = true
		}
		if len(ids) != groups*size || len(rounds) != groups {
			return fmt.Errorf("Nearest() beside writers saw %d ids and of groups %v, want %d and one round of each of %d", len(ids), rounds, groups*size, groups)
		}
	}
}

// TestPutsTogether has many put at a time, one of whom asks for what can't be, and one
// whose call is cancelled: the others are kept.
func TestPutsTogether(t *testing.T) {
	store := open(t, t.TempDir())
	create(t, store, "g", crashLength)
	const writers, rounds = 8, 10
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for round := range rounds {
				e := crashEntry(fmt.Sprintf("%03d/%d", writer, round), 1)
				if writer == 0 {
					e.Embedding = gallery.NewVector([]float32{1})
				}
				ctx, cancel := context.WithCancel(context.Background())
				if writer == 1 {
					go cancel()
				}
				_, err := store.Put(ctx, "g", []gallery.Entry{e})
				cancel()
				switch {
				case writer == 0 && err == nil:
					t.Error("Put() of a short embedding = nil, want an error")
				case writer == 1 && err != nil && !errors.Is(err, context.Canceled), writer > 1 && err != nil:
					t.Errorf("Put() beside others = %v", err)
				case writer == 1 && err != nil:
					checkNotThere(t, store, e.ID)
				}
			}
		})
	}
	group.Wait()
	c, err := store.Count(t.Context(), "g")
	if err != nil || c.Entries < (writers-2)*rounds || c.Entries > (writers-1)*rounds {
		t.Errorf("Count() = %+v, %v, want %d to %d", c, err, (writers-2)*rounds, (writers-1)*rounds)
	}
}

func checkNotThere(t *testing.T, store gallery.Store, id string) {
	t.Helper()
	if found, err := store.Get(context.Background(), "g", []string{id}, gallery.Parts{}); err != nil || len(found) > 0 {
		t.Errorf("Get(%q) after Put() was cancelled = %d, %v, want none", id, len(found), err)
	}
}

// TestBackupInUse backs a gallery up while entries come and go: those that stay are all
// in it, and what is in it is whole.
func TestBackupInUse(t *testing.T) {
	store := open(t, t.TempDir())
	create(t, store, "g", crashLength)
	var stay []gallery.Entry
	for i := range 200 {
		stay = append(stay, crashEntry(fmt.Sprintf("sta/%06d", i), 1))
	}
	put(t, store, "g", stay...)
	done := make(chan struct{})
	var writer errgroup.Group
	writer.Go(func() error {
		for i := 0; ; i++ {
			select {
			case <-done:
				return nil
			default:
			}
			id := fmt.Sprintf("s%02d/%06d", i%100, i) // among the others
			if _, err := store.Put(context.Background(), "g", []gallery.Entry{crashEntry(id, 1+i%2)}); err != nil {
				return err
			}
			if i%2 == 0 {
				if _, err := store.Remove(context.Background(), "g", []string{id}); err != nil {
					return err
				}
			}
		}
	})
	for i := range 5 {
		var b bytes.Buffer
		if err := store.Backup(t.Context(), "g", &b); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("restored-%d", i)
		if err := store.Restore(t.Context(), name, &b); err != nil {
			t.Fatal(err)
		}
		entries, err := store.List(t.Context(), name, gallery.Listing{Limit: 1 << 20, With: everything})
		if err != nil {
			t.Fatal(err)
		}
		stayed := slices.DeleteFunc(entries, func(e gallery.Entry) bool { return !strings.HasPrefix(e.ID, "sta/") })
		if !slices.EqualFunc(stay, stayed, same) {
			t.Errorf("a backup beside writers has %d of %d entries that stayed", len(stayed), len(stay))
		}
	}
	close(done)
	if err := writer.Wait(); err != nil {
		t.Error(err)
	}
}

// TestCancelledBuild ends the call that has the index built: the next one finds it.
func TestCancelledBuild(t *testing.T) {
	dir := t.TempDir()
	writeGallery(t, dir)
	store := open(t, dir)
	metric, err := gallery.NewMetric(digest("model"), slices.Repeat([]float32{1}, damageLength))
	if err != nil {
		t.Fatal(err)
	}
	query := gallery.Query{Embedding: damageEntry(100).Embedding, Metric: metric, Limit: 200}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := store.Nearest(ctx, "g", query); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Nearest() that is cancelled = %v, want %v or no error", err, context.Canceled)
	}
	nearest(t, store, query)
}
