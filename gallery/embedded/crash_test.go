package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

// Variables that have the test binary be a process that a test kills, holds or limits.
const (
	roleVariable  = "SIAMESE_TEST_ROLE"
	dirVariable   = "SIAMESE_TEST_DIR"
	roundVariable = "SIAMESE_TEST_ROUND"
	crashVariable = "SIAMESE_CRASH_ROUNDS"
)

const crashLength = 64

// crashEntry is the entry with this id, which comes out the same in every process.
func crashEntry(id string, version int) gallery.Entry {
	numbers := make([]float32, crashLength)
	for i := range numbers {
		numbers[i] = float32((len(id)+i*version)%7) / 7
	}
	e := gallery.Entry{
		ID: id, Thing: "of " + id[:3], Metadata: map[string]string{"version": strconv.Itoa(version)},
		Embedding: gallery.NewVector(numbers), ModelDigest: digest("model"), Enrolled: time.UnixMilli(1e12).UTC(),
	}
	e.Picture = []byte(strings.Repeat(id, 100*version))
	return e
}

const (
	crashWriters = 3
	crashBatch   = 5
)

// enrollUntilKilled puts batches by several writers, each of which replaces an entry of
// the batch before and removes another, and says of each what it is about to do and has
// been told is done.
func enrollUntilKilled(dir, round string) error {
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	info := gallery.Info{Name: "g", ModelDigest: digest("model"), EmbeddingLength: crashLength}
	if err := store.Create(context.Background(), info); err != nil && !errors.Is(err, gallery.ErrExists) {
		return err
	}
	var group sync.WaitGroup
	errs := make(chan error, crashWriters)
	for writer := range crashWriters {
		group.Go(func() { errs <- enrollOn(store, round, writer) })
	}
	group.Wait()
	return <-errs
}

func enrollOn(store gallery.Store, round string, writer int) error {
	for n := 0; ; n++ {
		batch := make([]gallery.Entry, crashBatch)
		for i := range batch {
			batch[i] = crashEntry(crashID(round, writer, n, i), 1)
		}
		if n > 0 {
			batch = append(batch, crashEntry(crashID(round, writer, n-1, 0), 2))
		}
		if _, err := store.Put(context.Background(), "g", batch); err != nil {
			return err
		}
		fmt.Printf("put %d %d\n", writer, n)
		if _, err := store.Remove(context.Background(), "g", []string{crashID(round, writer, n, 1)}); err != nil {
			return err
		}
		fmt.Printf("removed %d %d\n", writer, n)
	}
}

func crashID(round string, writer, n, i int) string {
	return fmt.Sprintf("%s/%d/%06d/%d", round, writer, n, i)
}

// TestKilled kills a process that enrolls, in one moment after another, and looks at what
// is there: all that was acknowledged, and all or nothing of what was under way.
// SIAMESE_CRASH_ROUNDS says how often; make checkcrash does it 200 times.
func TestKilled(t *testing.T) {
	rounds := roundsOf(t, crashVariable, 25)
	dir, total, slowest := t.TempDir(), 0, time.Duration(0)
	for round := range rounds {
		name := fmt.Sprintf("%03d", round)
		acknowledged := killed(t, dir, name, round)
		start := time.Now()
		store := open(t, dir)
		if _, err := store.Count(t.Context(), "g"); err != nil && !errors.Is(err, gallery.ErrNotFound) {
			t.Fatalf("round %d: Count() = %v, want no error", round, err)
		}
		slowest = max(slowest, time.Since(start))
		total += len(acknowledged)
		checkCrash(t, store, name, acknowledged)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("killed in %d moments of enrolment; %d acknowledged changes are all there; the slowest opening took %v", rounds, total, slowest)
}

// roundsOf is how many rounds a variable says, or few.
func roundsOf(t *testing.T, variable string, few int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killed returns what a process was told is done before it was killed.
func killed(t *testing.T, dir, name string, round int) (acknowledged []string) {
	t.Helper()
	child, out := start(t, "enroll", dir, roundVariable+"="+name)
	lines := bufio.NewScanner(out)
	// Each round waits for some more acknowledgements, and then a part of what one takes.
	for range round % 9 {
		if !lines.Scan() {
			t.Fatalf("round %d: the process has ended by itself: %v", round, lines.Err())
		}
		acknowledged = append(acknowledged, lines.Text())
	}
	after := time.Duration(rand.N(20_000)) * time.Microsecond
	time.AfterFunc(after, func() { child.Process.Kill() })
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("round %d: the process ended with %v, want that it was killed", round, err)
	}
	if n := len(acknowledged); n > 0 && strings.Count(acknowledged[n-1], " ") != 2 {
		acknowledged = acknowledged[:n-1] // cut off
	}
	return acknowledged
}

// checkCrash holds what is there of a round against what was acknowledged.
func checkCrash(t *testing.T, store gallery.Store, round string, acknowledged []string) {
	t.Helper()
	for writer := range crashWriters {
		puts, removals := 0, 0
		for _, line := range acknowledged {
			switch {
			case strings.HasPrefix(line, fmt.Sprintf("put %d ", writer)):
				puts++
			case strings.HasPrefix(line, fmt.Sprintf("removed %d ", writer)):
				removals++
			}
		}
		for n := range puts + 2 {
			checkBatch(t, store, round, writer, n, n < puts, n < removals, n+1 < puts)
		}
	}
}

// checkBatch looks at one batch: put, removed and replaced say what was acknowledged.
func checkBatch(t *testing.T, store gallery.Store, round string, writer, n int, put, removed, replaced bool) {
	t.Helper()
	ids := make([]string, crashBatch)
	for i := range ids {
		ids[i] = crashID(round, writer, n, i)
	}
	entries, err := store.Get(t.Context(), "g", ids, gallery.Parts{Embedding: true, Picture: true})
	if errors.Is(err, gallery.ErrNotFound) && !put {
		return // killed before there was a gallery
	}
	if err != nil {
		t.Fatalf("round %s: Get() = %v, want no error", round, err)
	}
	if len(entries) == 0 && !put {
		return
	}
	has := make(map[string]gallery.Entry)
	for _, e := range entries {
		has[e.ID] = e
	}
	for i, id := range ids {
		e, ok := has[id]
		switch {
		case i == 1 && removed && ok:
			t.Errorf("round %s: the entry %q is there, but was removed", round, id)
		case i == 1 && !ok:
			continue // removed, whether that was acknowledged or not
		case !ok:
			t.Errorf("round %s: the entry %q is lost; of its batch there are %d, acknowledged: %t", round, id, len(entries), put)
			continue
		}
		want := crashEntry(id, 1)
		if i == 0 && (replaced || e.Metadata["version"] == "2") {
			want = crashEntry(id, 2)
		}
		if ok && (!e.Same(&want) || string(e.Picture) != string(want.Picture)) {
			t.Errorf("round %s: the entry %q is not what was put", round, id)
		}
	}
}

// start starts this test binary in a role, and returns what it prints.
func start(t *testing.T, role, dir string, variables ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir), variables...)
	child.Stderr = os.Stderr
	input, err := child.StdinPipe() // ends with this process, if not before
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		child.Process.Kill()
		child.Wait()
	})
	return child, out
}

// play plays the role that a test has started this process for, if any.
func play() {
	roles := map[string]func(dir string) error{
		"enroll": func(dir string) error { return enrollUntilKilled(dir, os.Getenv(roundVariable)) },
		"hold":   hold,
		"fill":   fillUntilFull,
	}
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		return
	}
	if err := role(os.Getenv(dirVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
