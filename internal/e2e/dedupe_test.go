package e2e_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

// doubles is what dedupe --json prints, as far as it is looked at.
type doubles struct {
	Pictures, Encoded int
	Foreign           int
	Groups            []struct {
		Foreign bool
		Files   []struct {
			File, Role, Action string
			Similarity, Match  float64
			Foreign            bool
		}
	}
	Failed []struct{ File string }
}

// dedupe runs the command and returns the files of each group with their roles.
func dedupe(t *testing.T, dir string, code int, more ...string) (groups []string, got doubles) {
	t.Helper()
	stdout, stderr, is := proctest.Run(t, "", append([]string{"dedupe", "--json", dir}, more...)...)
	if is != code {
		t.Fatalf("dedupe %v: exit code %d, want %d: %s", more, is, code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("dedupe %v printed %q: %v", more, stdout, err)
	}
	for _, group := range got.Groups {
		var files []string
		for _, file := range group.Files {
			files = append(files, file.Role+" "+filepath.Base(file.File))
		}
		groups = append(groups, strings.Join(files, ", "))
	}
	return groups, got
}

// TestDedupe: copies and near-doubles of real photographs are found, the second run
// encodes what is new alone, also where files have other names, and a server's model
// says the same.
func TestDedupe(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{"a/cat.jpg": "cat.jpg", "cat again.jpg": "cat.jpg", "small.jpg": "cat_copy.jpg", "rocket.jpg": "rocket.jpg"} {
		place(t, filepath.Join(dir, name), proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/photos", from)))
	}
	place(t, filepath.Join(dir, "page.jpg"), []byte("<html>"))
	page := filepath.Join(t.TempDir(), "page.html")
	groups, got := dedupe(t, dir, 1, "--html", page) // 1: page.jpg is no picture
	want := "best cat.jpg, copy cat again.jpg, near small.jpg"
	other := "best cat again.jpg, copy cat.jpg, near small.jpg" // that of the older file
	if len(groups) != 1 || groups[0] != want && groups[0] != other || got.Pictures != 5 || got.Encoded != 3 || len(got.Failed) != 1 {
		t.Errorf("found %q, %d of %d encoded, failed %v; want %q, 3 of 5 encoded, 1 failed", groups, got.Encoded, got.Pictures, got.Failed, want)
	}
	if html := proctest.ReadFile(t, page); !bytes.Contains(html, []byte("small.jpg")) || bytes.Count(html, []byte("data:image/jpeg")) != 3 {
		t.Error("the page has not three thumbnails")
	}
	if err := os.Rename(filepath.Join(dir, "small.jpg"), filepath.Join(dir, "a/renamed.jpg")); err != nil {
		t.Fatal(err)
	}
	place(t, filepath.Join(dir, "new.jpg"), proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/photos/coffee.jpg")))
	moved := t.TempDir()
	if groups, got = dedupe(t, dir, 1, "--move", moved); len(groups) != 1 || !strings.HasSuffix(groups[0], "near renamed.jpg") || got.Encoded != 1 {
		t.Errorf("the second run found %q, %d encoded; want the new one encoded alone", groups, got.Encoded)
	}
	proctest.ReadFile(t, filepath.Join(moved, "a/renamed.jpg"))
	if groups, got = dedupe(t, dir, 1); len(groups) != 0 || got.Encoded != 0 {
		t.Errorf("what was moved is found: %q, %d encoded", groups, got.Encoded)
	}
}

// TestDedupeForeign: copies of what the model does not know are found by their pixels,
// and told as foreign; things alike are near-doubles by a threshold alone.
func TestDedupeForeign(t *testing.T) {
	dir := t.TempDir()
	ridge := proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/photos/ridge_grey.png"))
	picture, err := png.Decode(bytes.NewReader(ridge))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := jpeg.Encode(&small, picture, &jpeg.Options{Quality: 10}); err != nil {
		t.Fatal(err)
	}
	place(t, filepath.Join(dir, "ridge.png"), ridge)
	place(t, filepath.Join(dir, "ridge.jpg"), small.Bytes())
	for _, name := range []string{"hills.jpg", "hills_dusk.jpg"} {
		place(t, filepath.Join(dir, name), proctest.ReadFile(t, filepath.Join(proctest.Root, "testdata/photos", name)))
	}
	groups, got := dedupe(t, dir, 0)
	if len(groups) != 1 || groups[0] != "best ridge.png, near ridge.jpg" || got.Foreign == 0 || !got.Groups[0].Foreign {
		t.Fatalf("found %q, %+v; want the foreign picture and its copy", groups, got)
	}
	if near := got.Groups[0].Files[1]; near.Match < 0.9 || near.Match > 1 {
		t.Errorf("the copy has a match of %v, want 0.9 to 1", near.Match)
	}
	if groups, got = dedupe(t, dir, 0, "--threshold", "0.5"); len(groups) != 2 || got.Encoded != 0 {
		t.Errorf("from a similarity of 0.5 on there is %q, %d encoded; want the hills, too, and none encoded", groups, got.Encoded)
	}
}
