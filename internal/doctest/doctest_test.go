package doctest_test

import (
	"regexp"
	"strings"
	"testing"

	"siamese/internal/doctest"
)

// markdown joins lines; ~ stands for a backquote.
func markdown(lines ...string) string {
	return strings.ReplaceAll(strings.Join(lines, "\n"), "~", "`") + "\n"
}

func parse(t *testing.T, lines ...string) doctest.Document {
	t.Helper()
	document, err := doctest.Parse("a.md", markdown(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func session(t *testing.T) *doctest.Session {
	t.Helper()
	s, err := doctest.NewSession(t.Context(), t.TempDir(), t.TempDir(), []string{"PATH=/usr/bin:/bin"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runs returns what became of a document's commands.
func runs(t *testing.T, lines ...string) error {
	t.Helper()
	s := session(t)
	_, _, err := parse(t, lines...).Run(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func TestParse(t *testing.T) {
	document := parse(t, "<!-- folder: source -->", "", "<!-- not run: a reason -->", "<!-- with: a => b -->", "~~~sh", "echo a", "~~~",
		"<!-- a remark -->", "<!-- lost: words come between -->", "Words.", "", "  ~~~console", "  $ ls", "  ~~~")
	if !document.Source || len(document.Blocks) != 2 {
		t.Fatalf("Parse = %+v, want a source folder and two blocks", document)
	}
	first, second := document.Blocks[0], document.Blocks[1]
	if first.NotRun != "a reason" || first.With[0] != [2]string{"a", "b"} || first.Line != 5 || first.Text != "echo a\n" {
		t.Errorf("first block = %+v, want its comments, line 5 and its text", first)
	}
	if second.NotRun != "" || second.Text != "$ ls\n" {
		t.Errorf("second block = %+v, want no comments of the first and no indentation", second)
	}
}

func TestParseNoneRun(t *testing.T) {
	document := parse(t, "<!-- none is run: a reason -->", "", "~~~sh", "false", "~~~", "<!-- shows: a/b.go -->", "~~~go", "x", "~~~")
	if document.NoneRun != "a reason" || document.Runs() != 0 || document.Blocks[1].Shows != "a/b.go" {
		t.Errorf("Parse = %+v with %d blocks that run, want a reason, none, and the file that is shown", document, document.Runs())
	}
}

func TestParseRefuses(t *testing.T) {
	for name, lines := range map[string][]string{
		"a block that is not closed":   {"~~~sh", "ls"},
		"with without an arrow":        {"<!-- with: a b -->"},
		"an exit code that is none":    {"<!-- exit: one -->"},
		"an expression that is broken": {"<!-- varies: ( -->"},
	} {
		if _, err := doctest.Parse("a.md", markdown(lines...)); err == nil {
			t.Errorf("Parse of %s = nil, want an error", name)
		}
	}
}

func TestCommandsThatDoAsShown(t *testing.T) {
	tests := map[string][]string{
		"one shell for all":            {"~~~sh", "mkdir a; cd a; A=1", "~~~", "~~~sh", "basename $PWD; echo $A", "~~~", "~~~text", "a", "1", "~~~"},
		"console":                      {"~~~console", "$ echo a; echo b", "a", "b", "$ cat <<EOF", "c", "EOF", "c", "$ true", "~~~"},
		"parts that vary":              {"~~~sh", "echo a 1 b; echo c; echo d; echo 12 ms", "~~~", "<!-- varies: [0-9]+ ms -->", "~~~text", "a … b", "…", "345 ms", "~~~"},
		"an exit code":                 {"<!-- exit: 3 -->", "~~~sh", "exit 3", "~~~", "~~~sh", "true", "~~~"},
		"other words run":              {"<!-- with: A.png => /dev/null -->", "~~~sh", "cat A.png", "~~~"},
		"a file, and a command before": {"<!-- first: mkdir b; cd b -->", "<!-- file: x.py -->", "~~~python", "1", "~~~", "~~~sh", "cat ../b/x.py", "~~~", "~~~text", "1", "~~~"},
		"a block that is not run":      {"<!-- not run: it fails -->", "~~~sh", "false", "~~~"},
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			if err := runs(t, lines...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCommandsThatDoNotAsShown(t *testing.T) {
	for name, lines := range map[string][]string{
		"a command fails in the middle":  {"~~~sh", "false", "true", "~~~"},
		"another exit code":              {"<!-- exit: 3 -->", "~~~sh", "exit 4", "~~~"},
		"success where failure is shown": {"<!-- exit: 3 -->", "~~~sh", "true", "~~~"},
		"another output":                 {"~~~sh", "echo a", "~~~", "~~~text", "b", "~~~"},
		"a line more":                    {"~~~sh", "echo a; echo b", "~~~", "~~~text", "a", "~~~"},
		"another JSON":                   {"~~~sh", "echo '{}'", "~~~", "~~~json", "[]", "~~~"},
		"a line less":                    {"~~~console", "$ echo a", "a", "b", "~~~"},
		"nothing to replace":             {"<!-- with: x => y -->", "~~~sh", "echo a", "~~~"},
		"a log without background":       {"<!-- log -->", "~~~text", "a", "~~~"},
		"a background that ends":         {"<!-- until: ready -->", "~~~sh", "echo steady", "~~~"},
		"a background that fails":        {"<!-- until: ready -->", "~~~sh", "echo ready; exit 3", "~~~"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := runs(t, lines...); err == nil {
				t.Error("Run = nil, want an error")
			}
		})
	}
}

// A server of one's own: it prints, goes on beside other blocks, and ends on SIGTERM.
func TestBackground(t *testing.T) {
	server := []string{
		"<!-- until: ready -->", "~~~sh", `bash -c 'trap "echo stopped; exit 0" TERM; echo ready; while read -r line <word; do echo "got $line at 127.0.0.1:8080"; done'`, "~~~",
	}
	words := append([]string{"<!-- first: mkfifo word -->"}, server...)
	words = append(words, "~~~sh", "echo hello >word", "~~~", "<!-- log -->", "~~~text", "got hello at 127.0.0.1:8080", "~~~",
		"<!-- stop -->", "~~~sh", "ls", "~~~", "~~~text", "word", "~~~")
	if err := runs(t, words...); err != nil {
		t.Error(err)
	}
}

func TestMismatch(t *testing.T) {
	digits := regexp.MustCompile(`\d+`)
	tests := []struct {
		shown, printed string
		equal          bool
	}{
		{"a\nb", "a  \nb\n\n", true},
		{"a 1", "a 22", true},
		{"a … c", "a b c", true},
		{"a … c", "a b d", false},
		{"a\n…\nz", "a\nz", true},
		{"a\n…\nz", "a\nb\nc\nz", true},
		{"a\n…\nz", "a\nb", false},
		{"a.c", "abc", false},
		{"a", "", false},
	}
	for _, tt := range tests {
		if got := doctest.Mismatch(tt.shown, tt.printed, []*regexp.Regexp{digits}); (got == "") != tt.equal {
			t.Errorf("Mismatch(%q, %q) = %q, want equal %v", tt.shown, tt.printed, got, tt.equal)
		}
	}
}
