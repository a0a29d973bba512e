package e2e_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/internal/postgrestest"
	"siamese/internal/proctest"
)

// TestGalleryCommandsPostgres: each command does in a database what it does in a folder,
// and backups move galleries between the two.
func TestGalleryCommandsPostgres(t *testing.T) {
	database := postgrestest.Start(t)
	url, dir := database.Database(t), t.TempDir()
	place(t, filepath.Join(dir, "alpha/1.png"), proctest.ReadFile(t, proctest.GlyphA))
	place(t, filepath.Join(dir, "beta/1.png"), proctest.ReadFile(t, proctest.GlyphC))
	backup := filepath.Join(t.TempDir(), "letters.bak")

	steps := []struct {
		give string
		want string // its output begins so
		code int
	}{
		{"list", "", 0},
		{"create letters --model omniglot --keep-pictures", "letters: a gallery of the model omniglot, with 0 entries\n", 0},
		{"enroll " + dir + " -g letters --meta by=hand", "letters: 2 added, 0 replaced, 0 were there already\n", 0},
		{"enroll " + dir + "/alpha -g letters --id-prefix alpha/ --meta by=hand", "letters: 0 added, 0 replaced, 1 was there already\n", 0},
		{"identify " + proctest.GlyphB + " -g letters --top 1 --csv", "file,rank,thing,entry,similarity,same,threshold,model,familiarity,warning,error\n" + proctest.GlyphB + ",1,alpha,alpha/1.png,", 0},
		{"list -g letters --thing beta", "beta/1.png\tbeta\tby=hand\n", 0},
		{"info letters --json", `{"name":"letters","model":"omniglot",`, 0},
		{"backup " + backup + " -g letters", backup + ": ", 0},
		{"restore " + backup + " -g letters", "siamese: restore gallery \"letters\"", 1},
		{"restore " + backup + " -g again", "again: a gallery of the model omniglot, with 2 entries\n", 0},
		{"restore " + backup + " -g infolder --galleries " + filepath.Join(dir, "kept"), "infolder: a gallery of the model omniglot, with 2 entries\n", 0},
		{"remove alpha/1.png -g letters", "1 entry removed\n", 0},
		{"reindex -g letters", "letters: 1 of 1 entry is of the model\n", 0},
		{"delete again", "siamese: gallery again has 2 entries", 1},
		{"delete again --yes", "again: removed with 2 entries\n", 0},
		{"info again", "siamese: there is no gallery \"again\"", 1},
	}
	for _, step := range steps {
		args := append([]string{"gallery"}, strings.Fields(step.give)...)
		if !slices.Contains(args, "--galleries") {
			args = append(args, "--galleries", url)
		}
		stdout, stderr, code := proctest.Run(t, "", args...)
		if code != step.code || !strings.HasPrefix(stdout+stderr, step.want) {
			t.Errorf("gallery %s: exit code %d, %q, %q; want %d and %q", step.give, code, stdout, stderr, step.code, step.want)
		}
	}
}
