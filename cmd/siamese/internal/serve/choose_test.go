package serve

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	gocmp "github.com/google/go-cmp/cmp"

	"siamese/cmd/internal/network"
	"siamese/server"
)

// parse reads a command line as the program does.
func parse(t *testing.T, args ...string) *Command {
	t.Helper()
	var commands struct {
		Serve Command `cmd:""`
	}
	parser, err := kong.New(&commands)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"serve"}, args...)); err != nil {
		t.Fatal(err)
	}
	return &commands.Serve
}

// told is a choice on one line: "NAME=PATH@VERSION[LABEL:VERSION]" of each model, then
// what answers, and what auto chooses among.
func (c *choice) told() string {
	var models []string
	for _, m := range c.models {
		var labels []string
		for _, label := range slices.Sorted(maps.Keys(m.labels)) {
			labels = append(labels, label+":"+m.labels[label])
		}
		models = append(models, m.name+"="+m.path+"@"+cmp.Or(m.version, "latest")+"["+strings.Join(labels, " ")+"]")
	}
	return strings.Join(models, " ") + "; " + c.answer + "; " + strings.Join(c.autoModels(), " ")
}

func TestChoose(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, folder := range []string{"birds/3", "7", "latest", "2 fast"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"my model.v2.h5", "a=b.h5"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		give []string
		want string
	}{
		{[]string{"--model=birds"}, "birds=birds@latest[]; birds; "},
		{[]string{"--model=birds/3"}, "birds=birds/3@latest[]; birds; "},
		{[]string{"--model=birds/"}, "birds=birds/@latest[]; birds; "},
		{[]string{"--model=my model.v2.h5"}, "my-model.v2=my model.v2.h5@latest[]; my-model.v2; "},
		{[]string{"--model=2 fast"}, "fast=2 fast@latest[]; fast; "},
		{[]string{"--model=./a=b.h5"}, "a-b=./a=b.h5@latest[]; a-b; "},
		{[]string{"--model=a=b.h5"}, "a=b.h5@latest[]; a; "},
		{[]string{"--model=x=a=b.h5"}, "x=a=b.h5@latest[]; x; "},
		{[]string{"--model=b,c"}, "b-c=b,c@latest[]; b-c; "},
		{[]string{"--model="}, ""},
		{[]string{"--model=a=birds", "--model=b=birds"}, "a=birds@latest[] b=birds@latest[]; a; a b"},
		{[]string{"--model=a=birds", "--model=b=birds", "--default-model=b"}, "a=birds@latest[] b=birds@latest[]; b; a b"},
		{[]string{"--model=a=birds", "--default-model=auto"}, "a=birds@latest[]; auto; a"},
		{
			[]string{"--model=a=x", "--model=b=x", "--model-version=3", "--model-version=b=canary", "--label=canary=1", "--label=b/canary=2", "--label=b/old=latest"},
			"a=x@3[canary:1] b=x@canary[canary:2 old:latest]; a; a b",
		},
		{
			[]string{"--model=a=x", "--model=b=x", "--default-model=b", "--model-version=3", "--label=c=1"},
			"a=x@latest[] b=x@3[c:1]; b; a b",
		},
		{
			[]string{"--model=a=x", "--model=b=x", "--default-model=auto", "--model-version=3", "--label=c=1"},
			"a=x@3[c:1] b=x@latest[]; auto; a b",
		},
	}
	for _, tt := range tests {
		chosen, err := parse(t, tt.give...).choose()
		if err != nil {
			t.Errorf("serve %q: %v, want none", tt.give, err)
			continue
		}
		if got := chosen.told(); tt.want != "" && got != tt.want {
			t.Errorf("serve %q chooses %q, want %q", tt.give, got, tt.want)
		}
		if tt.want == "" {
			checkBuiltIn(t, chosen)
		}
	}
}

// checkBuiltIn: without a model all built-in ones are served; auto chooses where they
// are several.
func checkBuiltIn(t *testing.T, chosen *choice) {
	t.Helper()
	var want []string
	for _, model := range network.BuiltIn() {
		want = append(want, model.Name)
	}
	answer := want[0]
	if len(want) > 1 {
		answer = server.Auto
	}
	if diff := gocmp.Diff(want, chosen.names()); diff != "" || chosen.answer != answer {
		t.Errorf("default %q, want %q; models (-want +got):\n%s", chosen.answer, answer, diff)
	}
}

// TestChooseBuiltInByName: a folder of that name is named with a dot and a slash.
func TestChooseBuiltInByName(t *testing.T) {
	t.Chdir(t.TempDir())
	first := network.BuiltIn()[0]
	check := func(value, name, path string, builtIn bool) {
		t.Helper()
		chosen, err := parse(t, "--model="+value).choose()
		if err != nil {
			t.Fatal(err)
		}
		if got := chosen.models[0]; got.name != name || got.path != path || got.builtIn != builtIn {
			t.Errorf("--model=%s is %+v, want name %q, path %q, built in %t", value, got, name, path, builtIn)
		}
	}
	check(first.Name, first.Name, first.Path, true)
	check("mine="+first.Name, "mine", first.Path, true)
	if err := os.Mkdir(first.Name, 0o755); err != nil {
		t.Fatal(err)
	}
	check(first.Name, first.Name, first.Path, true)
	check("./"+first.Name, first.Name, "./"+first.Name, false)
}

func TestChooseRefuses(t *testing.T) {
	tests := []struct {
		give []string
		want string
	}{
		{[]string{"--model=7=x"}, `--model 7=x: server: model name "7": expected a letter`},
		{[]string{"--model==x"}, `--model =x: server: model name "": expected a letter`},
		{[]string{"--model=auto=x"}, `model name "auto": expected a letter`},
		{[]string{"--model=latest=x"}, `model name "latest": expected a letter`},
		{[]string{"--model=a b=x"}, `model name "a b": expected a letter`},
		{[]string{"--model=a,b=x"}, `neither "auto" nor "latest" (a path that has an equals sign begins with ./)`},
		{[]string{"--model=a="}, "--model a=: received no path, expected NAME=PATH"},
		{[]string{"--model=a=x", "--model=a=y"}, `--model a=y: received the name "a" twice`},
		{[]string{"--model=x/a", "--model=y/a"}, `--model y/a: received the name "a" twice, expected names that differ, as NAME=PATH`},
		{[]string{"--model=a=x", "--default-model=b"}, `--default-model: received model "b", expected one of a`},
		{[]string{"--model=a=x", "--model-version=b=1"}, `--model-version b=1: received model "b", expected one of a`},
		{[]string{"--model=a=x", "--model-version=1", "--model-version=a=2"}, `--model-version a=2: received another version of "a", expected one`},
		{[]string{"--model=a=x", "--label=b/c=1"}, `--label b/c=1: received model "b", expected one of a`},
		{[]string{"--model=a=x", "--label=c=1", "--label=a/c=2"}, `received label "c" of "a" twice, expected once`},
	}
	for _, tt := range tests {
		_, err := parse(t, tt.give...).choose()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("serve %q: %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

// FuzzNameOf: whatever a path is, the name made of it is one.
func FuzzNameOf(f *testing.F) {
	for _, path := range []string{"", ".", "/", "/7/8", "ä/b", strings.Repeat("x", 100), "auto", "/latest/1", "a\nb", "-", "x.safetensors"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if name := nameOf(filepath.Clean(path)); server.CheckModelName(name) != nil {
			t.Errorf("nameOf(%q) = %q, want a name: %v", path, name, server.CheckModelName(name))
		}
	})
}

// TestSmallMemoryLeavesOutWhatWasNotAskedFor, and nothing else.
func TestSmallMemoryLeavesOutWhatWasNotAskedFor(t *testing.T) {
	two := func(asked bool) *choice {
		return &choice{models: []*chosenModel{{name: "general"}, {name: "omniglot"}}, answer: server.Auto, asked: asked}
	}
	free, bound := two(false), two(true)
	if !free.leaveOutLast() || free.leaveOutLast() || free.told() != "general=@latest[]; general; " {
		t.Errorf("what was not asked for is %q, want general alone", free.told())
	}
	if bound.leaveOutLast() || bound.told() != "general=@latest[] omniglot=@latest[]; auto; general omniglot" {
		t.Errorf("what was asked for is %q, want both", bound.told())
	}
	c := Command{Flags: Flags{batchFlags: batchFlags{CacheBytes: 64 << 20}}}
	if got, want := c.besideCalls(2)-c.besideCalls(1), int64(furtherBytes+64<<20); got != want {
		t.Errorf("a second model takes %d bytes beside calls, want %d", got, want)
	}
}
