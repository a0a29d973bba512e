package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/conformance"
)

// script writes a runner of a shell script and returns its row.
func script(t *testing.T, root, name, build, run string) conformance.Row {
	t.Helper()
	row := conformance.Row{Name: name, Command: []string{"./" + name + ".run"}}
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(root, file), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(name+".run", run)
	if build != "" {
		row.Build = []string{"./" + name + ".build"}
		write(name+".build", build)
	}
	return row
}

func TestReport(t *testing.T) {
	const (
		good  = `echo '{"case":"one","results":["0.5 same"]}'; echo '{"case":"two","error":"A/B/c"}'` + "\n"
		other = `echo '{"case":"two","error":"A/B/c"}'; echo '{"case":"one","results":["0.6 same"]}'` + "\n"
	)
	tests := []struct {
		name       string
		build, run string
		wantEqual  bool
		want       []string
	}{
		{name: "the same in another order", run: `echo '{"case":"two","error":"A/B/c"}'; echo '{"case":"one","results":["0.5 same"]}'`, wantEqual: true, want: []string{"second  2       0          0"}},
		{name: "another digit", run: other, want: []string{"second  1       1          0", `second, case "one"`, "    0.5 same\n", "    0.6 same\n"}},
		{name: "an error for a result", run: `echo '{"case":"one","error":"A/B/c"}'; echo '{"case":"two","error":"A/B/c"}'`, want: []string{`second, case "one"`, "    error A/B/c\n"}},
		{name: "a case is missing", run: `echo '{"case":"one","results":["0.5 same"]}'`, want: []string{`second, case "two"`, "    none\n"}},
		{name: "unsupported", run: `echo '{"case":"one","unsupported":"no such call"}'; echo '{"case":"two","error":"A/B/c"}'`, wantEqual: true, want: []string{"second  1       0          1            no such call"}},
		{name: "ends with an error", run: good + "echo out of order >&2; exit 3", want: []string{"second is broken: exit status 3: out of order"}},
		{name: "no JSON", run: "echo warming up; " + good, want: []string{`second is broken: received the line "warming up", expected JSON`}},
		{name: "two lines for a case", run: good + good, want: []string{`second is broken: case "one": received two lines`}},
		{name: "tells nothing", run: `echo '{"case":"one"}'; echo '{"case":"two","error":"A/B/c"}'`, want: []string{`received 0 of results, error and unsupported`}},
		{name: "no toolchain", build: "echo no compiler here >&2; exit 77", run: "exit 1", wantEqual: true, want: []string{"second  -       -          -            left out: no compiler here"}},
		{name: "does not build", build: "echo line 7; exit 2", run: good, want: []string{"second is broken: ./second.build: exit status 2: line 7"}},
		{name: "gets the addresses", build: "exit 0", run: `[ "$1 $2 $3" = "here:1 here:2 cases" ] || exit 4` + "\n" + good, wantEqual: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := conformance.Target{Root: t.TempDir(), GRPC: "here:1", HTTP: "here:2", Cases: "cases"}
			outcomes := []conformance.Outcome{
				script(t, target.Root, "first", "", good).Run(t.Context(), target),
				script(t, target.Root, "second", tt.build, tt.run).Run(t.Context(), target),
			}
			var out strings.Builder
			if equal := conformance.Report(&out, []string{"one", "two"}, outcomes); equal != tt.wantEqual {
				t.Errorf("Report = %t, want %t:\n%s", equal, tt.wantEqual, out.String())
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("Report printed no %q:\n%s", want, out.String())
				}
			}
		})
	}
}

func TestRunLeavesOut(t *testing.T) {
	tests := []struct {
		giveRow conformance.Row
		want    string
	}{
		{conformance.Row{Needs: []string{"no-such-program"}}, "no-such-program is not installed"},
		{conformance.Row{Needs: []string{"$TOOL"}}, "/no/such/tool is not installed"},
		{conformance.Row{Build: []string{"client/none/build.sh"}}, "there is no client/none/build.sh"},
	}
	for _, tt := range tests {
		target := conformance.Target{Root: t.TempDir(), Environment: []string{"TOOL=/no/such/tool"}}
		if got := tt.giveRow.Run(t.Context(), target).LeftOut; got != tt.want {
			t.Errorf("Run left it out for %q, want %q", got, tt.want)
		}
	}
}
