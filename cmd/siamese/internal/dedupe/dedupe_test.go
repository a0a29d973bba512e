package dedupe_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/dedupe"
)

// write writes files with their contents, each a minute older than the one before.
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 12, 60-i, 0, 0, time.UTC)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// picture is a small picture; other is another one of the same size, and more a larger
// one.
const (
	picture = "P5 2 2 255\nabcd"
	other   = "P5 2 2 255\ndcba"
	more    = "P5 3 2 255\nabcdef"
)

// run runs the command.
func run(t *testing.T, c *dedupe.Command) (stdout, stderr string, err error) {
	t.Helper()
	var out, notes bytes.Buffer
	err = c.Run(context.Background(), cli.Streams{Out: &out, Err: &notes})
	return out.String(), notes.String(), err
}

// exact is the command that looks for copies, without a model.
func exact(dirs ...string) *dedupe.Command {
	return &dedupe.Command{Dirs: dirs, Exact: true, CSV: true}
}

// listed are role and name of the files that are printed.
func listed(t *testing.T, dir, stdout string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("printed %q: %v", stdout, err)
	}
	var files []string
	for _, row := range rows[1:] {
		rel, err := filepath.Rel(dir, row[1])
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, row[0]+" "+row[2]+" "+rel)
	}
	return files
}

// names are all files below a folder with their contents.
func names(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.Contains(path, "siamese-undo") {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestExact: copies are found by their bytes, the oldest is the best, and what is no
// double of its own is none.
func TestExact(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "new.pgm", picture, "sub/old.pgm", picture, "other.pgm", other, "more.pgm", more,
		"a.txt", "no picture", "b.txt", "no picture", "empty.png", "", "empty2.png", "", ".hidden/new.pgm", picture)
	for _, err := range []error{
		os.Link(filepath.Join(dir, "other.pgm"), filepath.Join(dir, "same other.pgm")),
		os.Symlink(dir, filepath.Join(dir, "sub/loop")),
		os.Symlink("new.pgm", filepath.Join(dir, "link.pgm")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// A folder that is named twice, and one within it, are looked through once.
	stdout, stderr, err := run(t, exact(dir, dir+"/", filepath.Join(dir, "sub/loop/sub")))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listed(t, dir, stdout), []string{"1 best sub/old.pgm", "1 copy new.pgm"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	for _, want := range []string{"passed over: 1 hidden, 2 no pictures, 2 symbolic links", "6 pictures: 1 group, with 1 copy and 0 near-doubles beside the best, 15 B"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("said %q, want %q", stderr, want)
		}
	}
}

// TestMove: nothing is lost or overwritten, and the list brings all back.
func TestMove(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	write(t, dir, "new.pgm", picture, "sub/mid.pgm", picture, "sub/\xff\nold.pgm", picture, "other.pgm", other)
	write(t, to, "new.pgm", "somebody's")
	before := names(t, dir)
	command := exact(dir)
	command.Move, command.DryRun = to, true
	stdout, _, err := run(t, command)
	if err != nil || !strings.Contains(stdout, "would be moved to "+to) {
		t.Errorf("--dry-run printed %q, %v", stdout, err)
	}
	if after := names(t, dir); len(after) != len(before) {
		t.Errorf("--dry-run left %q of %q", after, before)
	}
	command.DryRun = false
	_, stderr, err := run(t, command)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 2 || got["sub/\xff\nold.pgm"] != picture || got["other.pgm"] != other {
		t.Errorf("left %q, want the best and what is no double", got)
	}
	if got := names(t, to); len(got) != 3 || got["new.pgm"] != "somebody's" || got["new (2).pgm"] != picture || got["sub/mid.pgm"] != picture {
		t.Errorf("moved to %q", got)
	}
	undo(t, stderr)
	if after := names(t, dir); len(after) != 4 || after["new.pgm"] != picture {
		t.Errorf("undone, there is %q, want %q", after, before)
	}
	if got := names(t, to); len(got) != 1 {
		t.Errorf("undone, there is %q where it was moved", got)
	}
}

// undo undoes the list that the notes name.
func undo(t *testing.T, stderr string) {
	t.Helper()
	_, list, ok := strings.Cut(strings.TrimSpace(stderr), "siamese dedupe --undo ")
	list, _, _ = strings.Cut(list, "\n")
	if !ok {
		t.Fatalf("said %q, want the list to undo", stderr)
	}
	if stdout, stderr, err := run(t, &dedupe.Command{Undo: list}); err != nil {
		t.Errorf("undo: %q, %q, %v", stdout, stderr, err)
	}
}

// TestLink: copies become one file, and own files again.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "new.pgm", picture, "old.pgm", picture, "other.pgm", other)
	fresh, old := filepath.Join(dir, "new.pgm"), filepath.Join(dir, "old.pgm")
	if err := os.Chmod(fresh, 0o600); err != nil {
		t.Fatal(err)
	}
	was, err := os.Stat(fresh)
	if err != nil {
		t.Fatal(err)
	}
	command := exact(dir)
	command.Link = true
	_, stderr, err := run(t, command)
	if err != nil {
		t.Fatal(err)
	}
	if !same(t, fresh, old) {
		t.Error("the copy is no link to the best")
	}
	if stdout, _, err := run(t, exact(dir)); err != nil || len(listed(t, dir, stdout)) != 0 {
		t.Errorf("links are doubles: %q, %v", stdout, err)
	}
	undo(t, stderr)
	is, err := os.Stat(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if same(t, fresh, old) || is.Mode() != was.Mode() || !is.ModTime().Equal(was.ModTime()) {
		t.Errorf("undone, it is %v of %v, want %v of %v and no link", is.Mode(), is.ModTime(), was.Mode(), was.ModTime())
	}
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	another, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, another)
}

// TestPage: whatever files are called, the page shows it as text.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	const hostile = `"><script>alert(1)</script>&amp;'.pgm`
	write(t, dir, strings.ReplaceAll(hostile, "/", "∕"), picture, "b.pgm", picture, "javascript:alert(1).pgm", picture)
	command := exact(dir)
	command.HTML = filepath.Join(dir, "page.html")
	if _, _, err := run(t, command); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(command.HTML)
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", `href="javascript`, "http://", "https://"} {
		if bytes.Contains(page, []byte(never)) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)", `href="./b.pgm"`, `href="./javascript:alert%281%29.pgm"`, "data:image/jpeg;base64,", "Exact copy"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestJSON: names that are no text come as they are.
func TestJSON(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "\xff.pgm", picture, "b<.pgm", picture)
	command := exact(dir)
	command.CSV, command.JSON = false, true
	stdout, _, err := run(t, command)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Groups []struct {
			Files []struct {
				File any
				Role string
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Groups) != 1 || len(got.Groups[0].Files) != 2 {
		t.Fatalf("printed %q: %v", stdout, err)
	}
	files := got.Groups[0].Files
	if files[0].File != filepath.Join(dir, "b<.pgm") || files[0].Role != "best" {
		t.Errorf("the best is %v", files[0])
	}
	if object, ok := files[1].File.(map[string]any); !ok || object["base64"] == "" {
		t.Errorf("the copy is %v, want its bytes", files[1])
	}
}

// TestUsage: what can't be meant is refused before anything is done.
func TestUsage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.pgm", picture, "b.pgm", picture)
	tooMuch := new(float32)
	*tooMuch = 1.5
	tests := map[string]*dedupe.Command{
		"no folder":              {},
		"a file":                 exact(filepath.Join(dir, "a.pgm")),
		"missing":                exact(filepath.Join(dir, "none")),
		"dry run of nothing":     {Dirs: []string{dir}, DryRun: true},
		"undo beside a folder":   {Dirs: []string{dir}, Undo: "list"},
		"moved into what it is":  {Dirs: []string{dir}, Exact: true, Move: filepath.Join(dir, "sub", "new")},
		"near-doubles by bytes":  {Dirs: []string{dir}, Exact: true, LinkNear: true},
		"a match of bytes":       {Dirs: []string{dir}, Exact: true, Match: new(float32)},
		"a match above 1":        {Dirs: []string{dir}, Match: tooMuch},
		"a page over a picture":  {Dirs: []string{dir}, Exact: true, HTML: filepath.Join(dir, "a.pgm")},
		"a page over a folder":   {Dirs: []string{dir}, Exact: true, HTML: dir},
		"a page over a device":   {Dirs: []string{dir}, Exact: true, HTML: "/dev/null"},
		"no list":                {Undo: filepath.Join(dir, "a.pgm.missing")},
		"a list that is a photo": {Undo: filepath.Join(dir, "a.pgm")},
	}
	for name, command := range tests {
		if stdout, stderr, err := run(t, command); err == nil {
			t.Errorf("%s: printed %q, %q, want an error", name, stdout, stderr)
		}
	}
	if got := names(t, dir); len(got) != 2 || got["a.pgm"] != picture {
		t.Errorf("there is %q", got)
	}
}
