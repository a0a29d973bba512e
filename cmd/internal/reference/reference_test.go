package reference_test

import (
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/reference"
)

// describe makes a reference of a command line.
func describe(t *testing.T, commands any) reference.Program {
	t.Helper()
	parser, err := kong.New(commands, kong.Name("tool"), kong.Description("What it is."), kong.DefaultEnvars("TOOL"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return reference.Program{App: parser.Model}
}

// TestEscapes: what help texts have that means something to Markdown or to roff is
// still there when it is read.
func TestEscapes(t *testing.T) {
	p := describe(t, &struct {
		Flag string `help:"Takes a|b, <c> and *d*. 'Quoted' \\n ~x ^y \"z\" é." placeholder:"A|B"`
		Dot  bool   `help:".png at the line's beginning, 1-2."`
	}{})
	page, man := p.Markdown(), p.Man()["tool.1"]
	for _, want := range []string{"`--flag=A\\|B`", `Takes a\|b, &lt;c&gt; and \*d\*.`, "`TOOL_FLAG`"} {
		if !strings.Contains(page, want) {
			t.Errorf("Markdown = %s, want %q in it", page, want)
		}
	}
	for _, want := range []string{`\fB\-\-flag=A|B\fR`, `\(aqQuoted\(aq \en \(tix \(hay \(dqz\(dq \[u00E9].`, "\n\\&.png at", `1\-2`} {
		if !strings.Contains(man, want) {
			t.Errorf("Man = %s, want %q in it", man, want)
		}
	}
}

// TestHiddenIsNowhere: neither in pages nor in scripts.
func TestHiddenIsNowhere(t *testing.T) {
	p := describe(t, &struct {
		Secret string   `hidden:""`
		Old    struct{} `cmd:"" hidden:""`
		Shown  struct {
			Veiled bool `hidden:""`
		} `cmd:""`
	}{})
	texts := []string{p.Markdown()}
	for _, page := range p.Man() {
		texts = append(texts, page)
	}
	for _, shell := range reference.Shells {
		script, err := p.Completion(shell)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, script)
	}
	for _, text := range texts {
		for _, word := range []string{"secret", "veiled", "old"} {
			if strings.Contains(strings.ToLower(text), word+"\n") || strings.Contains(text, "-"+word) || strings.Contains(text, "'"+word) {
				t.Errorf("%q is in %s", word, text)
			}
		}
	}
	if _, err := p.Completion("tcsh"); err == nil || !strings.Contains(err.Error(), `"tcsh"`) || !strings.Contains(err.Error(), "bash, zsh, fish") {
		t.Errorf("Completion(tcsh) = %v, want an error that names it and the shells there are", err)
	}
}
