package scratch_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"siamese/internal/scratch"
)

const prefix = "siamese-test-"

// child, in the environment, makes the test program hold a folder in the folder
// that it names until it is killed.
const child = "SCRATCH_TEST_CHILD"

func TestMain(m *testing.M) {
	parent := os.Getenv(child)
	if parent == "" {
		os.Exit(m.Run())
	}
	folder, err := scratch.New(parent, prefix)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder.Path(), "large"), make([]byte, 1<<20), 0o600)
	}
	fmt.Println(err) // it is held from here on
	select {}
}

// hold starts a process that holds a folder in parent. It ends when killed.
func hold(t *testing.T, parent string) *os.Process {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), child+"="+parent)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Fatalf("the process that holds a folder said %q, %v", line, err)
	}
	return cmd.Process
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// TestKilledProcessLeavesNothingForEver: its folder stays while it lives and goes
// with the next New after it was killed.
func TestKilledProcessLeavesNothingForEver(t *testing.T) {
	parent := t.TempDir()
	process := hold(t, parent)
	held := names(t, parent)
	folder, err := scratch.New(parent, prefix)
	must(t, err)
	must(t, folder.Remove())
	if got := names(t, parent); len(held) != 1 || !slices.Equal(got, held) {
		t.Fatalf("beside a living process there is %q, want its %q", got, held)
	}
	must(t, process.Kill())
	_, err = process.Wait()
	must(t, err)
	folder, err = scratch.New(parent, prefix)
	must(t, err)
	if got := names(t, parent); !slices.Equal(got, []string{filepath.Base(folder.Path())}) {
		t.Errorf("after it was killed there is %q, want the new folder alone", got)
	}
	must(t, folder.Remove())
	if got := names(t, parent); len(got) != 0 {
		t.Errorf("after Remove there is %q, want nothing", got)
	}
}

// TestOnlyWhatNewMadeIsRemoved, whatever has a name like it.
func TestOnlyWhatNewMadeIsRemoved(t *testing.T) {
	parent, elsewhere := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(parent, prefix+name) }
	must(t, os.WriteFile(filepath.Join(elsewhere, "precious"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(elsewhere, ".siamese-scratch"), nil, 0o600))
	must(t, os.Mkdir(at("of a person"), 0o700))
	must(t, os.WriteFile(at("file"), nil, 0o600))
	must(t, os.Symlink(elsewhere, at("link"))) // to a folder with a lock file
	must(t, os.Mkdir(at("linked lock"), 0o700))
	must(t, os.Symlink(filepath.Join(elsewhere, ".siamese-scratch"), filepath.Join(at("linked lock"), ".siamese-scratch")))
	must(t, os.Mkdir(filepath.Join(parent, "other"), 0o700))
	must(t, os.WriteFile(filepath.Join(parent, "other", ".siamese-scratch"), nil, 0o600))
	// One that was left, with a link out of it: the link goes, not what it leads to.
	must(t, os.Mkdir(at("left"), 0o700))
	must(t, os.WriteFile(filepath.Join(at("left"), ".siamese-scratch"), nil, 0o600))
	must(t, os.Symlink(elsewhere, filepath.Join(at("left"), "out")))
	if os.Geteuid() == 0 { // another user's, with a lock file
		must(t, os.Mkdir(at("of another"), 0o700))
		must(t, os.WriteFile(filepath.Join(at("of another"), ".siamese-scratch"), nil, 0o600))
		must(t, os.Lchown(at("of another"), 65534, 65534))
	}
	before := names(t, parent)
	folder, err := scratch.New(parent, prefix)
	must(t, err)
	must(t, folder.Remove())
	want := slices.DeleteFunc(before, func(name string) bool { return name == prefix+"left" })
	if got := names(t, parent); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if got := names(t, elsewhere); len(got) != 2 {
		t.Errorf("the folder that links lead to holds %q, want all as it was", got)
	}
}

// TestManyAtOnce: processes that start together do not remove each other's.
func TestManyAtOnce(t *testing.T) {
	parent := t.TempDir()
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 20 {
				folder, err := scratch.New(parent, prefix)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(folder.Path(), "file"), nil, 0o600); err != nil {
					t.Errorf("a folder in use is gone: %v", err)
				}
				if err := folder.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := names(t, parent); len(got) != 0 {
		t.Errorf("left are %q, want nothing", got)
	}
}

func TestCheckPrivate(t *testing.T) {
	tests := []struct {
		give string
		make func(t *testing.T, dir string)
		want string // "" for none
	}{
		{"own", func(t *testing.T, dir string) {}, ""},
		{"open to all, sticky", func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o777|os.ModeSticky)) }, ""},
		{"open to all", func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o777)) }, "has mode drwxrwxrwx"},
		{"open to the group", func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o770)) }, "has mode drwxrwx---"},
		{"parent open to all", func(t *testing.T, dir string) { must(t, os.Chmod(filepath.Dir(dir), 0o777)) }, "has mode drwxrwxrwx"},
		{"another user's", func(t *testing.T, dir string) { chown(t, dir) }, "belongs to user 65534"},
		{"parent another user's", func(t *testing.T, dir string) { chown(t, filepath.Dir(dir)) }, "belongs to user 65534"},
		{"link to one open to all", func(t *testing.T, dir string) {
			must(t, os.Remove(dir))
			must(t, os.Mkdir(dir+" to", 0o700))
			must(t, os.Chmod(dir+" to", 0o777))
			must(t, os.Symlink(dir+" to", dir))
		}, "has mode drwxrwxrwx"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "parent", "dir")
			must(t, os.MkdirAll(dir, 0o700))
			tt.make(t, dir)
			err := scratch.CheckPrivate(dir)
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, scratch.ErrUnsafe) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("CheckPrivate = %v, want %q", err, tt.want)
			}
		})
	}
}

func chown(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	must(t, os.Chown(path, 65534, 65534))
}
