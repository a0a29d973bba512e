package embedded_test

import (
	"fmt"
	"os"
	"testing"

	"siamese/gallery"
)

// TestGrowth removes and enrolls the same number of entries again and again:
// what was removed makes room for what comes.
func TestGrowth(t *testing.T) {
	dir := t.TempDir()
	path := writeGallery(t, dir)
	store := open(t, dir)
	const settled, rounds = 10, 60
	var before int64
	for round := range rounds {
		var ids []string
		var entries []gallery.Entry
		for i := 100 + round%2; i < 300; i += 2 {
			e := damageEntry(i)
			e.Metadata = map[string]string{"round": fmt.Sprint(round)}
			entries, ids = append(entries, e), append(ids, e.ID)
		}
		if n, err := store.Remove(t.Context(), "g", ids); n != len(ids) || err != nil {
			t.Fatalf("Remove() = %d, %v, want %d and no error", n, err, len(ids))
		}
		put(t, store, "g", entries...)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if round == settled {
			before = info.Size()
		} else if round > settled && info.Size() > before {
			t.Fatalf("after %d rounds the file has %d bytes, want at most the %d that it had after %d", round, info.Size(), before, settled)
		}
	}
	if c, err := store.Count(t.Context(), "g"); err != nil || c.Entries != 200 {
		t.Errorf("Count() = %+v, %v, want 200", c, err)
	}
}
