package referencetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/cmd/internal/reference"
	"siamese/internal/proctest"
)

// shells are how each shell is started without anyone's settings, and told to load a
// script, with a prompt that can be waited for.
var shells = map[string]struct {
	args  []string
	setup string // %[1]s is the script, %[2]s the program
}{
	"bash": {[]string{"--norc", "--noprofile", "-i"}, "source %[1]s; function %[2]s { printf 'GOT:%%s\\n' \"$*\"; }; PS1='READ''Y> '\n"},
	"zsh":  {[]string{"-f", "-i"}, "autoload -Uz compinit; compinit -D; source %[1]s; function %[2]s { printf 'GOT:%%s\\n' \"$*\"; }; PS1='READ''Y> '\n"},
	"fish": {[]string{"--no-config", "-i"}, "source %[1]s; function %[2]s; printf 'GOT:%%s\\n' \"$argv\"; end; function fish_prompt; printf 'READ''Y> '; end\n"},
}

// patience is how long a shell may take for all lines.
const patience = 20 * time.Second

// Complete types command lines into a real shell that has loaded the program's script,
// each with the key Tab at its end, and fails where one does not become what is wanted.
// Lines are what follows the program's name; all that can follow must be one word. The
// shell's folder has a file picture.png and a folder models; slashes at the end, which some
// shells take away again, don't count.
func Complete(t *testing.T, program reference.Program, shell string, lines map[string]string) {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("completion by %s is not tested: %v (apt-get install %s)", shell, err, shell)
	}
	dir := t.TempDir()
	script, err := program.Completion(shell)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "completion"), script)
	write(t, filepath.Join(dir, "picture.png"), "")
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	control, tty := proctest.OpenTerminal(t)
	cmd := exec.Command(path, shells[shell].args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, tty, tty, tty
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, "TERM=xterm", "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = terminal()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A shell that waits for something else would wait for ever.
	tooLong := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		tooLong.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	})
	tty.Close() // so that the end of the shell is the end of what it shows
	shown := bufio.NewReader(control)
	fmt.Fprintf(control, shells[shell].setup, filepath.Join(dir, "completion"), program.App.Name)
	for typed, want := range lines {
		waitFor(t, shown, "READY> ")
		fmt.Fprintf(control, "%s %s\t\r", program.App.Name, typed)
		waitFor(t, shown, "GOT:")
		got, err := shown.ReadString('\n')
		if got = strings.TrimRight(got, "\r\n/ "); got != want || err != nil {
			t.Errorf("%s: %q and Tab = %q, %v; want %q", shell, typed, got, err, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitFor reads until some words have been read.
func waitFor(t *testing.T, shown *bufio.Reader, words string) {
	t.Helper()
	var all strings.Builder
	for !strings.HasSuffix(all.String(), words) {
		letter, err := shown.ReadByte()
		if err != nil {
			t.Fatalf("the shell showed %q, %v; want %q", all.String(), err, words)
		}
		all.WriteByte(letter)
	}
}
