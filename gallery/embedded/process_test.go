package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

// hold has the gallery "g" open until its input ends.
func hold(dir string) error {
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	if _, err := store.Count(context.Background(), "g"); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, store.Close())
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	create(t, first, "g", 4)
	create(t, first, "other", 4)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	child, out := start(t, "hold", dir)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the process that holds the gallery said %q, %v", line, err)
	}
	store, err := embedded.Open(embedded.Config{Dir: dir, LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name, call := range map[string]func() error{
		"Count":     func() error { _, err := store.Count(t.Context(), "g"); return err },
		"Galleries": func() error { _, err := store.Galleries(t.Context()); return err },
		"Delete":    func() error { _, err := store.Delete(t.Context(), "g"); return err },
	} {
		if err := call(); !errors.Is(err, gallery.ErrInUse) || !strings.Contains(err.Error(), filepath.Join(dir, "g.gallery")) {
			t.Errorf("%s() of a gallery that another process has = %v, want %v and the file's name", name, err, gallery.ErrInUse)
		}
	}
	if _, err := store.Count(t.Context(), "other"); err != nil {
		t.Errorf("Count() of a gallery that nobody has = %v, want no error", err)
	}
	child.Process.Kill()
	child.Wait()
	if _, err := store.Count(t.Context(), "g"); err != nil {
		t.Errorf("Count() when the other process has ended = %v, want no error", err)
	}
}

// fillUntilFull puts entries until that fails, looks whether what was put is still
// there, and says how many.
func fillUntilFull(dir string) error {
	version := 3 // which says how large pictures are
	if limit := os.Getenv(limitVariable); limit != "" {
		var bytes uint64
		if _, err := fmt.Sscan(limit, &bytes); err != nil {
			return err
		}
		version = int(bytes / 100_000)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
			return err
		}
	}
	ctx := context.Background()
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	n := 0
	for err == nil {
		e := crashEntry(fmt.Sprintf("%06d", n), version)
		if _, err = store.Put(ctx, "g", []gallery.Entry{e}); err == nil {
			n++
		}
	}
	if errors.Is(err, gallery.ErrDamaged) || errors.Is(err, gallery.ErrClosed) {
		return fmt.Errorf("Put() on a full disk = %w, want what the system says", err)
	}
	fmt.Fprintln(os.Stdout, "full:", err)
	// It is to be of use still: nothing was half put, and all can be read and found.
	c, err := store.Count(ctx, "g")
	if err != nil || c.Entries != n {
		return fmt.Errorf("Count() on a full disk = %+v, %w, want %d", c, err, n)
	}
	metric, err := gallery.NewMetric(digest("model"), []float32{0: 1, crashLength - 1: 1})
	if err != nil {
		return err
	}
	found, err := store.Nearest(ctx, "g", gallery.Query{Embedding: crashEntry("000000", version).Embedding, Metric: metric, Limit: n})
	if err != nil || len(found) != n {
		return fmt.Errorf("Nearest() on a full disk = %d, %w, want %d", len(found), err, n)
	}
	if _, err := store.Put(ctx, "g", []gallery.Entry{crashEntry("one more", version)}); err == nil || errors.Is(err, gallery.ErrDamaged) {
		return fmt.Errorf("Put() on a full disk again = %w, want what the system says", err)
	}
	fmt.Println(n)
	return store.Close()
}

const limitVariable = "SIAMESE_TEST_LIMIT"

// TestFullDisk fills what a process may write to a file, and a small file system.
func TestFullDisk(t *testing.T) {
	// Small, and so large that bbolt lets the file grow in steps of its own.
	for _, limit := range []string{"300000", "20000000"} {
		t.Run("limit "+limit, func(t *testing.T) {
			testFull(t, t.TempDir(), "file too large", limitVariable+"="+limit)
		})
	}
	t.Run("file system", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("siamese-test", dir, "tmpfs", 0, "size=2m"); err != nil {
			t.Skipf("no file system can be mounted here: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Errorf("unmount %s: %v", dir, err)
			}
		})
		testFull(t, dir, "no space left on device")
	})
}

func testFull(t *testing.T, dir, want string, variables ...string) {
	store := open(t, dir)
	create(t, store, "g", crashLength)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	child, out := start(t, "fill", dir, variables...)
	var n int
	var says string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "full: "); ok {
			says = text
		} else if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("the process that fills the disk: %v", err)
	}
	if !strings.Contains(says, want) {
		t.Errorf("Put() on a full disk = %q, want %q in it", says, want)
	}
	again := open(t, dir)
	defer again.Close()
	if c, err := again.Count(t.Context(), "g"); err != nil || c.Entries != n || n == 0 {
		t.Errorf("Count() after it was full = %+v, %v, want %d", c, err, n)
	}
	if len(variables) > 0 { // this process may write more
		put(t, again, "g", crashEntry("one more", 3))
	} else if err := again.Create(t.Context(), gallery.Info{Name: "another"}); err == nil {
		t.Error("Create() on a full disk = nil, want an error")
	}
	if all, err := again.Galleries(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Galleries() after it was full = %v, %v, want one", all, err)
	}
}
