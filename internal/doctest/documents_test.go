package doctest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/internal/doctest"
)

// root is the repository.
const root = "../.."

// programVariable names the siamese that the documents' commands run; without it they
// are not run.
const programVariable = "DOCUMENTS_PROGRAM"

// patience is how long one document may take where the machine has other work.
const patience = 10 * time.Minute

func documents(t *testing.T) []doctest.Document {
	t.Helper()
	all, err := doctest.Documents(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each block of commands is run by TestCommandsOfDocuments or says why not; the reasons
// are told, so that nobody has to look for them.
func TestEachCommandIsRunOrSaysWhy(t *testing.T) {
	run, not := 0, 0
	for _, document := range documents(t) {
		if document.NoneRun != "" {
			t.Logf("none is run: %s: %s", document.Path, document.NoneRun)
			continue
		}
		for _, block := range document.Blocks {
			switch {
			case !block.Commands():
			case block.NotRun != "":
				not++
				t.Logf("not run: %s:%d: %s", document.Path, block.Line, block.NotRun)
			default:
				run++
			}
		}
	}
	t.Logf("%d blocks of commands are run, %d are not", run, not)
	if run < 2*not {
		t.Errorf("%d blocks of commands are run and %d are not, want at least twice as many run", run, not)
	}
}

// Programs that documents show in full are the files that tests build and run.
func TestShownFiles(t *testing.T) {
	shown := map[string]bool{}
	for _, document := range documents(t) {
		for _, block := range document.Blocks {
			if block.Shows == "" {
				continue
			}
			shown[block.Shows] = true
			if want := read(t, block.Shows); block.Text != want {
				t.Errorf("%s:%d is not %s, which it is to show in full", document.Path, block.Line, block.Shows)
			}
		}
	}
	for _, pattern := range []string{"examples/*/compare.*", "examples/*/compare/main.go", "examples/java/src/main/java/Compare.java", "examples/*/src/bin/compare.rs"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if path, err := filepath.Rel(root, file); err != nil || !shown[path] {
				t.Errorf("no document shows %s in full (%v)", path, err)
			}
		}
	}
}

// What the documents show is run as they show it. `make checkdocs` runs it with a
// program that is built.
func TestCommandsOfDocuments(t *testing.T) {
	program := os.Getenv(programVariable)
	if program == "" {
		t.Skipf("%s is not set: make checkdocs runs the documents' commands", programVariable)
	}
	program, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents(t) {
		if document.Runs() == 0 {
			continue
		}
		t.Run(document.Path, func(t *testing.T) {
			t.Parallel()
			runDocument(t, document, repository, program)
		})
	}
}

func runDocument(t *testing.T, document doctest.Document, repository, program string) {
	t.Helper()
	folder := t.TempDir()
	if document.Source {
		if err := sourceFolder(repository, folder); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tools := filepath.Join(repository, ".tools", "bin")
	// HOME is empty, as a new user's; what Go has compiled and fetched stays in use.
	session, err := doctest.NewSession(ctx, folder, t.TempDir(), append(goFolders(ctx, t),
		"HOME="+t.TempDir(), "SIAMESE="+repository, "LC_ALL=C.UTF-8",
		"PATH="+filepath.Dir(program)+":"+tools+":"+os.Getenv("PATH"),
	))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ran, leftOut, err := document.Run(session)
	for _, block := range leftOut {
		t.Logf("left out: %s", block)
	}
	if err != nil {
		t.Error(err)
	}
	if err := session.Close(); err != nil && !t.Failed() {
		t.Errorf("%s: %v", document.Path, err)
	}
	t.Logf("%d blocks in %v", ran, time.Since(start).Round(time.Second/10))
}

// goFolders are the variables that name Go's folders of this user.
func goFolders(ctx context.Context, t *testing.T) []string {
	t.Helper()
	var variables []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		folder, err := exec.CommandContext(ctx, "go", "env", name).Output() //nolint:gosec // one of two names
		if err != nil {
			t.Fatalf("go env %s: %v", name, err)
		}
		variables = append(variables, name+"="+strings.TrimSpace(string(folder)))
	}
	return variables
}

// sourceFolder makes folder look like the source folder: links to what is read, copies
// of what commands write beside.
func sourceFolder(repository, folder string) error {
	for _, name := range []string{"bin", "client", "deploy", "examples", "proto", "scripts", "tfmodel", ".tools"} {
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil {
			continue
		}
		if err := os.Symlink(filepath.Join(repository, name), filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	testdata := filepath.Join(folder, "testdata")
	if err := os.Mkdir(testdata, 0o750); err != nil {
		return err
	}
	for _, name := range []string{"photos", "omniglot"} {
		copied := exec.Command("cp", "-r", filepath.Join(repository, "testdata", name), testdata)
		if err := copied.Run(); err != nil {
			return err
		}
	}
	return nil
}
