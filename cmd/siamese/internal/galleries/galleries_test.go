package galleries_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"siamese/cmd/siamese/internal/galleries"
)

// TestOpenRefusesOtherURLs: no folder is made by the name of a URL, whose secrets are not
// shown.
func TestOpenRefusesOtherURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	for give, want := range map[string]string{
		"mysql://me:secret@host/pictures":    `"mysql://"`,
		"POSTGRES://me:secret@host/pictures": `"POSTGRES://"`,
		"https://host/secret":                `"https://"`,
	} {
		store, err := galleries.Open(t.Context(), galleries.Location(give), slog.New(slog.DiscardHandler))
		if err == nil {
			_ = store.Close()
			t.Errorf("Open(%q) opened a store, want an error", give)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, want it to name %s and no more of it", give, err, want)
		}
	}
	if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v; want nothing", made, err)
	}
}
