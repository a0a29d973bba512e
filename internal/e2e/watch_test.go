package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/proctest"
)

// place puts a file, and the folders that it is in.
func place(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// watching starts a watcher of a folder, which ends with the test.
func watching(t *testing.T, args ...string) (*exec.Cmd, *proctest.Log) {
	t.Helper()
	cmd := proctest.Command(t, append([]string{"watch"}, args...)...)
	log := proctest.NewLog()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // where a check failed
	return cmd, log
}

// endWatching ends a watcher as a person would.
func endWatching(t *testing.T, cmd *exec.Cmd, log *proctest.Log) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended by Ctrl-C: %v, %q, want exit code 0", err, log.String())
	}
}

// TestWatch: pictures are enrolled that are there, that come, whole or in parts, in
// folders that come and get other names; those that go are removed. The gallery is free
// for other programs meanwhile, and Ctrl-C is the way to end it.
func TestWatch(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	glyphs := [][]byte{proctest.ReadFile(t, proctest.GlyphA), proctest.ReadFile(t, proctest.GlyphB), proctest.ReadFile(t, proctest.GlyphC)}
	proctest.Succeed(t, "gallery", "create", "drop", "--model", "omniglot")
	proctest.Succeed(t, "gallery", "enroll", proctest.GlyphC, "-g", "drop", "--id-prefix", "cam/gone/")
	proctest.Succeed(t, "gallery", "enroll", proctest.GlyphC, "-g", "drop", "--id-prefix", "other/")
	place(t, filepath.Join(dir, "sub/there.png"), glyphs[0])

	cmd, log := watching(t, dir, "-g", "drop", "--remove", "--settle", "200ms", "--id-prefix", "cam/")
	log.WaitFor(t, "added cam/sub/there.png")
	log.WaitFor(t, "removed cam/gone/"+filepath.Base(proctest.GlyphC))

	place(t, filepath.Join(dir, ".hidden/new.png"), glyphs[1])
	place(t, filepath.Join(dir, "note.txt"), []byte("no picture"))
	place(t, filepath.Join(dir, "sub/new.png"), glyphs[1])
	log.WaitFor(t, "added cam/sub/new.png")
	place(t, filepath.Join(dir, "later/deep/c.png"), glyphs[2])
	log.WaitFor(t, "added cam/later/deep/c.png")
	half := filepath.Join(dir, "half.png")
	place(t, half, glyphs[0][:len(glyphs[0])/2])
	log.WaitFor(t, "failed cam/half.png: ")
	place(t, half, glyphs[0])
	log.WaitFor(t, "added cam/half.png")
	if err := os.Rename(filepath.Join(dir, "later"), filepath.Join(dir, "renamed")); err != nil {
		t.Fatal(err)
	}
	log.WaitFor(t, "added cam/renamed/deep/c.png")                // what it was called goes at about the same time
	place(t, filepath.Join(dir, "renamed/deep/d.png"), glyphs[1]) // it is still looked into
	log.WaitFor(t, "added cam/renamed/deep/d.png")
	place(t, filepath.Join(dir, "sub/new.png"), glyphs[2])
	log.WaitFor(t, "replaced cam/sub/new.png")
	if err := os.Remove(half); err != nil {
		t.Fatal(err)
	}
	log.WaitFor(t, "removed cam/half.png")

	listed := proctest.Succeed(t, "gallery", "list", "-g", "drop")
	var ids []string
	for line := range strings.Lines(listed) {
		id, _, _ := strings.Cut(line, "\t")
		ids = append(ids, id)
	}
	want := []string{"cam/renamed/deep/c.png", "cam/renamed/deep/d.png", "cam/sub/new.png", "cam/sub/there.png", "other/" + filepath.Base(proctest.GlyphC)}
	if !slices.Equal(ids, want) {
		t.Errorf("the gallery has %q, want %q", ids, want)
	}
	endWatching(t, cmd, log)
}
