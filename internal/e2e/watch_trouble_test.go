package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/proctest"
)

// TestWatchFolderGoes: a folder that is renamed is waited for and removes nothing; what
// comes in its place is looked through, also a folder of the same name.
func TestWatchFolderGoes(t *testing.T) {
	kept := t.TempDir()
	dir := filepath.Join(t.TempDir(), "pictures")
	a, b := proctest.ReadFile(t, proctest.GlyphA), proctest.ReadFile(t, proctest.GlyphC)
	place(t, filepath.Join(dir, "a.png"), a)
	proctest.Succeed(t, "gallery", "create", "drop", "--model", "omniglot", "--galleries", kept)
	cmd, log := watching(t, dir, "-g", "drop", "--remove", "--settle", "200ms", "--galleries", kept)
	log.WaitFor(t, "added a.png")
	if err := os.Rename(dir, dir+" elsewhere"); err != nil {
		t.Fatal(err)
	}
	log.WaitFor(t, "nothing is removed, and it is waited for")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	log.WaitFor(t, "it is looked through")
	if strings.Contains(log.String(), "removed a.png") {
		t.Errorf("an empty folder in its place removes entries: %s", log)
	}
	place(t, filepath.Join(dir, "new/b.png"), b)
	log.WaitFor(t, "added new/b.png")
	log.WaitFor(t, "removed a.png")
	endWatching(t, cmd, log)
}

// TestWatchManyChanges: where the system drops events, the folder is looked through.
func TestWatchManyChanges(t *testing.T) {
	kept, dir := t.TempDir(), t.TempDir()
	proctest.Succeed(t, "gallery", "create", "drop", "--model", "omniglot", "--galleries", kept)
	cmd, log := watching(t, dir, "-g", "drop", "--settle", "200ms", "--galleries", kept)
	log.WaitFor(t, "watching "+dir+": 0 pictures")
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skipf("left out: the system does not say how many events it keeps: %v", err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || most > 1e6 {
		t.Skipf("left out: the system keeps %s events, more than can be made here", text)
	}
	for i := range most { // each makes two events, and some may be read before it has stopped
		path := filepath.Join(dir, fmt.Sprintf(".%d", i))
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	place(t, filepath.Join(dir, "late/a.png"), proctest.ReadFile(t, proctest.GlyphA))
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	log.WaitFor(t, "more changes than the system tells of")
	log.WaitFor(t, "added late/a.png")
	endWatching(t, cmd, log)
}

// manyPictures are as many as come at once.
const manyPictures = 300

// TestWatchServerGoes: a server that goes while many pictures come is asked again, and
// each is enrolled in the end.
func TestWatchServerGoes(t *testing.T) {
	kept, dir := t.TempDir(), t.TempDir()
	picture := proctest.ReadFile(t, proctest.GlyphA)
	for i := range manyPictures {
		place(t, filepath.Join(dir, fmt.Sprintf("there/%d.png", i)), picture)
	}
	server := proctest.Serve(t, "--model", "omniglot", "--galleries", kept)
	proctest.Succeed(t, "gallery", "create", "drop", "--server", server.Address)
	cmd, log := watching(t, dir, "-g", "drop", "--server", server.Address, "--timeout", "20s", "--settle", "200ms")
	log.WaitFor(t, "added there/")
	server.Kill()
	for i := range manyPictures {
		place(t, filepath.Join(dir, fmt.Sprintf("new/%d.png", i)), picture)
	}
	log.WaitFor(t, "tried again in")
	again := proctest.ServeAt(t, server.Address, "--model", "omniglot", "--galleries", kept)
	log.WaitFor(t, "added new/0.png\n")
	log.WaitFor(t, "added new/99.png\n") // the last by name
	if last := " there/99.png\n"; !strings.Contains(log.String(), last) {
		log.WaitFor(t, last)
	}
	for i := range manyPictures {
		for _, folder := range []string{"there", "new"} { // added, or unchanged where the answer was lost
			if name := fmt.Sprintf(" %s/%d.png\n", folder, i); !strings.Contains(log.String(), name) {
				t.Errorf("the log does not tell of%s", name)
			}
		}
	}
	if got := proctest.Succeed(t, "gallery", "info", "drop", "--json", "--server", again.Address); !strings.Contains(got, fmt.Sprintf(`"entries":%d,`, 2*manyPictures)) {
		t.Errorf("the gallery: %s, want %d entries", got, 2*manyPictures)
	}
	endWatching(t, cmd, log)
}
