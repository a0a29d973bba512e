package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

// TestGalleryCommands: what the command line keeps in its folder, a server on that folder has,
// and both tell pictures alike; a backup brings back what was removed.
func TestGalleryCommands(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	a, b, c := proctest.ReadFile(t, proctest.GlyphA), proctest.ReadFile(t, proctest.GlyphB), proctest.ReadFile(t, proctest.GlyphC)
	place(t, filepath.Join(dir, "alpha/1.png"), a)
	place(t, filepath.Join(dir, "beta/1.png"), c)
	place(t, filepath.Join(dir, "page.png"), []byte("<html>"))
	query := filepath.Join(t.TempDir(), "query.png")
	place(t, query, b) // another drawing of alpha

	proctest.Succeed(t, "gallery", "create", "letters", "--model", "omniglot")
	enroll := []string{"gallery", "enroll", dir, "-g", "letters", "--meta", "by=hand"}
	if stdout, stderr, code := proctest.Run(t, "", enroll...); code != 1 || stdout != "letters: 2 added, 0 replaced, 0 were there already\n" || !strings.Contains(stderr, "page.png: IMAGE_FORMAT_UNKNOWN") {
		t.Errorf("enroll: %q, %q, exit code %d; want two added and page.png failed", stdout, stderr, code)
	}
	if stdout, _, _ := proctest.Run(t, "", enroll...); stdout != "letters: 0 added, 0 replaced, 2 were there already\n" {
		t.Errorf("enrolled again: %q", stdout)
	}
	identify := []string{"gallery", "identify", query, "-g", "letters", "--csv", "--filter", "by=hand"}
	local := proctest.Succeed(t, identify...)
	if rows := strings.Split(local, "\n"); len(rows) < 2 || !strings.HasPrefix(rows[1], query+",1,alpha,alpha/1.png,0.") || !strings.Contains(rows[1], ",true,") {
		t.Errorf("identify printed %q, want alpha first, the same", local)
	}
	several := proctest.Succeed(t, append(identify, "--test-time", "3")...)
	if rows := strings.Split(several, "\n"); several == local || len(rows) < 2 || !strings.HasPrefix(rows[1], query+",1,alpha,alpha/1.png,0.") {
		t.Errorf("identify of three views printed %q, of one %q, want alpha first with another similarity", several, local)
	}
	backup := filepath.Join(t.TempDir(), "letters.bak")
	proctest.Succeed(t, "gallery", "backup", backup, "-g", "letters")
	proctest.Succeed(t, "gallery", "restore", backup, "-g", "restored")
	if stdout := proctest.Succeed(t, "gallery", "remove", "-g", "letters", "--thing", "beta", "none"); stdout != "1 entry removed\n" {
		t.Errorf("remove printed %q", stdout)
	}
	checkServed(t, dir, query, local, several)
}

// checkServed asks a server on the same folder.
func checkServed(t *testing.T, dir, query, local, several string) {
	t.Helper()
	server := proctest.Serve(t, "--model", "omniglot")
	remote := func(args ...string) string {
		return proctest.Succeed(t, append([]string{"gallery"}, append(args, "--server", server.Address)...)...)
	}
	if served := remote("identify", query, "-g", "restored", "--csv", "--filter", "by=hand"); served != local {
		t.Errorf("the server says %q, the command line %q", served, local)
	}
	if served := remote("identify", query, "-g", "restored", "--csv", "--filter", "by=hand", "--test-time", "3"); served != several {
		t.Errorf("of three views the server says %q, the command line %q", served, several)
	}
	if listed := remote("list", "-g", "letters"); listed != "alpha/1.png\talpha\tby=hand\n" {
		t.Errorf("the server lists %q", listed)
	}
	list := filepath.Join(dir, "list.csv")
	place(t, list, []byte("file,thing,note\nbeta/1.png,gamma,new\n"))
	if added := remote("enroll", "--csv", list, "-g", "letters"); added != "letters: 1 added, 0 replaced, 0 were there already\n" {
		t.Errorf("enrolled by the server: %q", added)
	}
	if listed := remote("list", "-g", "letters", "--thing", "gamma"); listed != "beta/1.png\tgamma\tnote=new\n" {
		t.Errorf("the server lists %q", listed)
	}
	_, stderr, code := proctest.Run(t, "", "gallery", "list", "-g", "letters")
	if code != 1 || !strings.Contains(stderr, "--server") {
		t.Errorf("while a server has it: %q, exit code %d, want to be sent to the server", stderr, code)
	}
	if moved := remote("reindex", "-g", "letters"); moved != "letters: 2 of 2 entries are of the model\n" {
		t.Errorf("reindex printed %q", moved)
	}
}
