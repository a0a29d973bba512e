//go:build gocv

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/client"
	"siamese/internal/proctest"
)

// enroll makes a gallery at a server, of pictures by their things.
func enroll(t *testing.T, address, gallery string, pictures map[string]string) {
	t.Helper()
	c, err := client.New(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.CreateGallery(t.Context(), gallery, client.GalleryOptions{KeepThumbnails: true}); err != nil {
		t.Fatal(err)
	}
	var entries []client.NewEntry
	for thing, path := range pictures {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, client.NewEntry{ID: filepath.Base(path), Thing: thing, Metadata: map[string]string{"thing": thing}, Image: client.Image{Encoded: data}})
	}
	if len(entries) == 0 {
		return
	}
	results, err := c.BatchEnroll(t.Context(), gallery, entries)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range results {
		if result.Err != nil {
			t.Fatalf("%s: %v", entries[i].ID, result.Err)
		}
	}
}

func TestGallery(t *testing.T) {
	server := serve(t, "")
	enroll(t, server.Address, "glyphs", map[string]string{"first": proctest.GlyphA, "second": proctest.GlyphC})
	enroll(t, server.Address, "none", nil)
	t.Run("follows the film", func(t *testing.T) { testGalleryFollowsTheFilm(t, server) })
	t.Run("wishes", func(t *testing.T) { testGalleryWishes(t, server) })
}

func testGalleryFollowsTheFilm(t *testing.T, server *proctest.Server) {
	path, folder := film(t, proctest.GlyphB, proctest.GlyphC), t.TempDir()
	record, table := filepath.Join(folder, "out.mp4"), filepath.Join(folder, "out.csv")
	stdout, stderr, code := runToEnd(t, "--server", server.Address, "--gallery", "glyphs", "--source", path, "--headless", "--record", record, "--csv", table)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q, want 0 and nothing", code, stderr)
	}
	all, scores := entries(t, stdout), 0
	for _, entry := range all {
		if entry.Type != "score" {
			continue
		}
		scores++
		// Frames 1 to 60 show the first character, by another hand, 61 to 120 the second.
		want := "first"
		if entry.Frame > 60 {
			want = "second"
		}
		if best := entry.Scores[0]; best.Reference != want || !best.Same || len(entry.Scores) != 2 || entry.Scores[1].Same {
			t.Errorf("frame %d: %+v, want %s and it alone the same", entry.Frame, entry.Scores, want)
		}
	}
	totals := all[len(all)-1].Totals
	if totals == nil || totals.Read != 120 || scores == 0 || totals.Scored != int64(scores) || totals.Scored+totals.Dropped+totals.Failed != 120 {
		t.Fatalf("totals %+v with %d scores, want 120 pictures read and each accounted for", totals, scores)
	}
	if got := countPictures(t, record); got < minShown {
		t.Errorf("the recording has %d pictures, want at least %d", got, minShown)
	}
	checkTable(t, rows(t, table), scores)
}

// checkTable holds that each row of the table names the best entry of its thing.
func checkTable(t *testing.T, table [][]string, scores int) {
	t.Helper()
	if len(table) != 2*scores+1 {
		t.Errorf("the table has %d rows, want a header and two for each of %d scores", len(table), scores)
	}
	thing, entry := slices.Index(table[0], "reference"), slices.Index(table[0], "entry")
	if thing < 0 || entry < 0 {
		t.Fatalf("the table has the columns %q, want reference and entry among them", table[0])
	}
	want := map[string]string{"first": filepath.Base(proctest.GlyphA), "second": filepath.Base(proctest.GlyphC)}
	for _, row := range table[1:] {
		if row[entry] != want[row[thing]] {
			t.Errorf("a row tells of the thing %q by the entry %q, want %q", row[thing], row[entry], want[row[thing]])
		}
	}
}

func testGalleryWishes(t *testing.T, server *proctest.Server) {
	search := func(args ...string) []string {
		return append([]string{"--server", server.Address, "--source", proctest.GlyphB, "--headless"}, args...)
	}
	tests := []struct {
		name     string
		give     []string
		want     []string // of the first score, and of the gallery
		wantCode int
	}{
		{"one thing", search("--gallery", "glyphs", "--top", "1"), []string{`"scores":[{"reference":"first","entry":"`, `"type":"gallery"`, `"entries":2`}, 0},
		{"filter", search("--gallery", "glyphs", "--filter", "thing=second"), []string{`"scores":[{"reference":"second","entry":"`}, 0},
		{"empty gallery", search("--gallery", "none"), []string{`"entries":0`, `gallery \"none\" is empty: siamese gallery enroll fills it`, `"type":"score"`}, 0},
		{"no such gallery", search("--gallery", "nowhere"), []string{`siamese-webcam: gallery "nowhere": GALLERY_NOT_FOUND: `}, 1},
		{"no such name", search("--gallery", "a b/c"), []string{`siamese-webcam: gallery "a b/c": GALLERY_NAME: `}, 1},
		{"references as well", search("--gallery", "glyphs", "--reference", proctest.GlyphA), []string{"siamese-webcam: --gallery: received --reference"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := runToEnd(t, tt.give...)
			if code != tt.wantCode || code == 0 != (stderr == "") || strings.Count(stderr, "\n") > 1 {
				t.Errorf("exit code %d, standard error %q, want %d, and a line where it is not 0", code, stderr, tt.wantCode)
			}
			for _, want := range tt.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("it says %s%s, want %s in it", stdout, stderr, want)
				}
			}
		})
	}
}
