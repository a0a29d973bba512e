package dedupe_test

import (
	"strings"
	"testing"
)

// TestOddNames: a name that looks like a flag or a formula is printed as a path, and
// moved under its own name.
func TestOddNames(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	write(t, dir, "=1+1.pgm", picture, "-rf.pgm", picture, "plain.pgm", picture)
	t.Chdir(dir)
	command := exact(".")
	command.Move = to
	stdout, _, err := run(t, command)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n1,plain.pgm,best", "\n1,./-rf.pgm,copy", "\n1,./=1+1.pgm,copy"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("printed %q, want %q", stdout, want)
		}
	}
	if got := names(t, to); len(got) != 2 || got["=1+1.pgm"] != picture || got["-rf.pgm"] != picture {
		t.Errorf("moved %q", got)
	}
}
