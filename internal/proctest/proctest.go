// Package proctest starts the real programs in tests: as processes, with their own
// home folder, and killed with the test.
package proctest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"siamese/imaging"
)

// Variables that name programs to use in place of those that are built: linking both
// takes half a minute of a processor.
const (
	programVariable = "SIAMESE_PROGRAM"
	benchVariable   = "SIAMESE_BENCH_PROGRAM"
)

// Root is the repository, relative to the test's folder.
var Root = findRoot()

func findRoot() string {
	root := "."
	for range 10 { // no folder of the repository is as deep
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root
		}
		root = filepath.Join("..", root)
	}
	return "."
}

// work is a folder for the test binary: the programs in bin, and an empty home that
// the tests share, so that the built-in model is unpacked once. Set by Main.
var work string

// Main is the body of TestMain for packages that start programs. These take SIGHUP as
// they do from a terminal, also where the tests run under nohup: a program that is
// started ignores what its parent ignores, and a signal that is caught it does not.
func Main(m interface{ Run() int }) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(func() int {
		var err error
		if work, err = os.MkdirTemp("", "siamese-test-"); err == nil {
			err = os.Mkdir(filepath.Join(work, "home"), 0o755)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(work)
		return m.Run()
	}())
}

// build makes the programs, siamese and siamese-bench side by side.
var build = sync.OnceValues(func() (folder string, err error) {
	if work == "" {
		return "", errors.New("proctest: TestMain does not call Main")
	}
	folder, err = filepath.Abs(filepath.Join(work, "bin"))
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", folder + string(filepath.Separator)}
	if imaging.JPEGDecoder == "libturbojpeg" {
		args = append(args, "-tags=turbo")
	}
	cmd := exec.Command("go", append(args, "./cmd/siamese", "./cmd/siamese-bench")...)
	cmd.Dir = Root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, output)
	}
	return folder, nil
})

// Program is the path of siamese: what SIAMESE_PROGRAM names, else it is built.
func Program(t *testing.T) string {
	t.Helper()
	return program(t, programVariable, "siamese")
}

func program(t *testing.T, variable, name string) string {
	t.Helper()
	if given := os.Getenv(variable); given != "" {
		// Tells go test, too, what its result depends on.
		if _, err := os.Stat(given); err != nil {
			t.Fatalf("%s: %v", variable, err)
		}
		return given
	}
	folder, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// Command is siamese as a process that is killed with the test. It sees no
// environment but HOME and PATH.
func Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return command(t, Program(t), args...)
}

func command(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = []string{"HOME=" + filepath.Join(work, "home"), "PATH=" + os.Getenv("PATH")}
	return cmd
}

// Run runs siamese to its end.
func Run(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := Command(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return ToEnd(t, cmd)
}

// RunBench runs siamese-bench to its end.
func RunBench(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return ToEnd(t, BenchCommand(t, args...))
}

// BenchCommand is siamese-bench, what SIAMESE_BENCH_PROGRAM names or else built, as a
// process that is killed with the test.
func BenchCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return command(t, program(t, benchVariable, "siamese-bench"), args...)
}

// ToEnd runs a process to its end and returns what it wrote and its exit code.
func ToEnd(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return out.String(), errs.String(), 0
}

// Succeed runs siamese, wants exit code 0 and returns its standard output.
func Succeed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := Run(t, "", args...)
	if code != 0 {
		t.Fatalf("siamese %v: exit code %d, %s%s", args, code, stdout, stderr)
	}
	return stdout
}

// OneLine checks that siamese's error is one line without a goroutine dump.
func OneLine(t *testing.T, stderr string) {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "siamese: ") {
		t.Errorf("standard error is %q, want one line that begins with %q", stderr, "siamese: ")
	}
}

// FreeAddress is a loopback address that nobody listens at.
func FreeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// ReadFile returns a file's content.
func ReadFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Glyph is the path of a drawing of testdata/omniglot.
func Glyph(name string) string { return filepath.Join(Root, "testdata/omniglot", name) }

// Three drawings: A and B are of one character, C is of another.
var (
	GlyphA = Glyph("Greek/character01/0394_01.png")
	GlyphB = Glyph("Greek/character01/0394_02.png")
	GlyphC = Glyph("Greek/character02/0395_01.png")
)
