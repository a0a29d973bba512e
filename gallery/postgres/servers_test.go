package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/gallery"
	"siamese/gallery/postgres"
	"siamese/internal/postgrestest"
)

const length = 16

// entry is one of a gallery of the model "model", whose embedding tells it from those
// with other numbers.
func entry(number int) gallery.Entry {
	embedding := make([]float32, length)
	for i := range embedding {
		embedding[i] = float32((number >> i) & 1)
	}
	return gallery.Entry{
		ID: fmt.Sprintf("%06d", number), Embedding: gallery.NewVector(embedding), ModelDigest: "model",
		Enrolled: time.UnixMilli(1e12).UTC(), Metadata: map[string]string{"lot": fmt.Sprint(number / 10)},
	}
}

func entries(from, to int) []gallery.Entry {
	var all []gallery.Entry
	for number := from; number < to; number++ {
		all = append(all, entry(number))
	}
	return all
}

func create(t *testing.T, store *postgres.Store) {
	t.Helper()
	err := store.Create(t.Context(), gallery.Info{Name: "g", Model: "m", ModelDigest: "model", EmbeddingLength: length, Created: time.UnixMilli(1e12)})
	if err != nil {
		t.Fatalf("Create() = %v, want no error", err)
	}
}

func metric(t *testing.T) *gallery.Metric {
	t.Helper()
	weights := make([]float32, length)
	for i := range weights {
		weights[i] = 1 + float32(i)
	}
	m, err := gallery.NewMetric("model", weights)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// checkEach fails where an entry is not the nearest one to its own embedding.
func checkEach(t *testing.T, store *postgres.Store, from, to int) {
	t.Helper()
	for _, e := range entries(from, to) {
		found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: e.Embedding, Metric: metric(t), Limit: 1})
		if err != nil || len(found) != 1 || found[0].ID != e.ID || found[0].Distance != 0 {
			t.Fatalf("Nearest() to the entry %s = %v, %v, want itself", e.ID, found, err)
		}
	}
}

// TestServersStartAtOnce has several servers find an empty database.
func TestServersStartAtOnce(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	var group errgroup.Group
	for range 6 {
		group.Go(func() error {
			store, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if err != nil {
				return err
			}
			return store.Close()
		})
	}
	if err := group.Wait(); err != nil {
		t.Errorf("Open() beside others = %v, want no error", err)
	}
}

// TestTwoServers has two servers change one gallery, while one of them makes its index.
func TestTwoServers(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	first, second := open(t, postgres.Config{URL: url, IndexFrom: 1}), open(t, postgres.Config{URL: url, IndexFrom: 1})
	create(t, first)
	put := func(store *postgres.Store, from, to int) error {
		for ; from < to; from += 10 {
			if _, err := store.Put(t.Context(), "g", entries(from, from+10)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := put(first, 0, 200); err != nil {
		t.Fatal(err)
	}
	m := metric(t)
	var group errgroup.Group
	// Both write 300 to 400, and one removes what the index is being filled with.
	group.Go(func() error { return put(first, 200, 400) })
	group.Go(func() error { return put(second, 300, 500) })
	group.Go(func() error { return first.BuildIndex(t.Context(), "g", m) })
	group.Go(func() error { return second.BuildIndex(t.Context(), "g", m) })
	group.Go(func() error {
		for _, e := range entries(100, 200) {
			if n, err := second.Remove(t.Context(), "g", []string{e.ID}); n != 1 || err != nil {
				return fmt.Errorf("Remove() = %d, %w, want 1", n, err)
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, store := range []*postgres.Store{first, second} {
		if count, err := store.Count(t.Context(), "g"); err != nil || count.Entries != 400 {
			t.Errorf("Count() = %+v, %v, want 400 entries", count, err)
		}
		checkEach(t, store, 0, 100)
		checkEach(t, store, 200, 500)
		found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: entry(150).Embedding, Metric: m, Limit: 500})
		if err != nil || len(found) != 400 {
			t.Errorf("Nearest(limit 500) = %d, %v, want 400", len(found), err)
		}
		for _, candidate := range found {
			if candidate.ID >= "000100" && candidate.ID < "000200" {
				t.Errorf("Nearest() found %s, which was removed", candidate.ID)
			}
		}
	}
}

// TestRestart has the database restart between calls, and beside them.
func TestRestart(t *testing.T) {
	server := postgrestest.Start(t)
	store := open(t, postgres.Config{URL: server.Database(t)})
	create(t, store)
	if _, err := store.Put(t.Context(), "g", entries(0, 50)); err != nil {
		t.Fatal(err)
	}
	server.Restart(t)
	checkEach(t, store, 0, 50)
	server.Restart(t)
	if outcomes, err := store.Put(t.Context(), "g", entries(50, 60)); err != nil || outcomes[9] != gallery.Added {
		t.Errorf("Put() after a restart = %v, %v, want that it adds", outcomes, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error {
		for ctx.Err() == nil {
			if found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: entry(7).Embedding, Metric: metric(t), Limit: 60}); err != nil || len(found) != 60 {
				return fmt.Errorf("Nearest() beside a restart = %d, %w, want 60", len(found), err)
			}
		}
		return nil
	})
	server.Restart(t)
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// TestStatementEndsWithItsContext holds a lock that a call waits for.
func TestStatementEndsWithItsContext(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	store := open(t, postgres.Config{URL: url})
	create(t, store)
	release := server.Hold(t, url, "LOCK TABLE siamese.galleries")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := store.Put(ctx, "g", entries(0, 1))
		done <- err
	}()
	server.WaitFor(t, url, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Put() that was cancelled while it waits = %v, want %v", err, context.Canceled)
	}
	// The database has given it up, too.
	server.WaitFor(t, url, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
	release()
	if count, err := store.Count(t.Context(), "g"); err != nil || count.Entries != 0 {
		t.Errorf("Count() = %+v, %v, want none and no error", count, err)
	}
}

const putsForever = "POSTGRES_TEST_PUTS_FOREVER"

// TestPutsForever is no test: TestKilled runs it as a process.
func TestPutsForever(t *testing.T) {
	url := os.Getenv(putsForever)
	if url == "" {
		t.Skip("the process that TestKilled kills")
	}
	store := open(t, postgres.Config{URL: url})
	for from := 0; ; from += 10 {
		if _, err := store.Put(t.Context(), "g", entries(from, from+10)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(os.Stderr, "put %d\n", from)
	}
}

// TestKilled kills a program while it puts: what it was told is kept is there, and of no
// call there is a part.
func TestKilled(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	store := open(t, postgres.Config{URL: url})
	create(t, store)
	for round := range 5 {
		var output strings.Builder
		cmd := exec.Command(os.Args[0], "-test.run=^TestPutsForever$")
		cmd.Env = append(os.Environ(), putsForever+"="+url)
		progress := newLines(&output, round+2)
		cmd.Stderr = progress
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-progress.enough
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed

		acknowledged := 10 * strings.Count(output.String(), "put ")
		got, err := store.List(t.Context(), "g", gallery.Listing{Limit: 1 << 20})
		if err != nil || len(got) < acknowledged || len(got)%10 != 0 {
			t.Errorf("%d entries after the program was killed, %v, want at least %d, in tens", len(got), err, acknowledged)
		}
		for i, e := range got {
			if want := entry(i).ID; e.ID != want {
				t.Fatalf("entry %d is %s, want %s", i, e.ID, want)
			}
		}
	}
}

// lines is a writer that says when it has got enough lines.
type lines struct {
	output *strings.Builder
	left   int
	enough chan struct{}
}

func newLines(output *strings.Builder, enough int) *lines {
	return &lines{output: output, left: enough, enough: make(chan struct{})}
}

func (l *lines) Write(data []byte) (int, error) {
	before := strings.Count(l.output.String(), "\n")
	l.output.Write(data)
	if after := strings.Count(l.output.String(), "\n"); before < l.left && after >= l.left {
		close(l.enough)
	}
	return len(data), nil
}
