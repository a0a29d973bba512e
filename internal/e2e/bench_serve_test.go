package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siamese/bench"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

var (
	noFailure = regexp.MustCompile(`(?m)^failed +none$`)
	noAnswer  = regexp.MustCompile(`(?m)^answered +0 of`)
)

// Each kind of traffic, against a server of its own and against one that is
// there, and in the results what was printed.
func TestBenchServe(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	running := proctest.Serve(t, "--model", models)
	photos, err := filepath.Abs(filepath.Join(proctest.Root, "testdata/photos"))
	if err != nil {
		t.Fatal(err)
	}
	tests := [][]string{
		{"--model", models, "--clients=4"},
		{"--model", models, "--call=rank", "--candidates=3", "--pictures=png", "--clients=2"},
		{"--server", running.Address, "--call=stream", "--clients=9", "--pictures=png"},
		{"--server", running.Address, "--rate=30", "--fixed", "--deadline=1m", "--pictures=png"},
		{"--server", running.Address, "--pictures", pngsOf(t, photos)},
	}
	for _, give := range tests {
		results := filepath.Join(t.TempDir(), "results.json")
		args := append([]string{"serve", "--warm-up=100ms", "--duration=1s", "--output", results}, give...)
		out, stderr, code := proctest.RunBench(t, args...)
		if code != 0 || !noFailure.MatchString(out) || noAnswer.MatchString(out) {
			t.Errorf("%v: exit code %d and\n%s%swant answers and no failure", give, code, out, stderr)
			continue
		}
		if own := give[0] == "--model"; strings.Contains(out, "images a run") != own {
			t.Errorf("%v prints\n%swant images a run where there are metrics", give, out)
		}
		if rate := readRows(t, results)[0]; rate.Value <= 0 || rate.Unit != "calls/s" {
			t.Errorf("%v: first result is %+v, want a rate", give, rate)
		}
	}
}

// pngsOf is a folder of the PNG files of another one.
func pngsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(files) < 2 {
		t.Fatalf("PNG files in %s: %v, %v; want two or more", dir, files, err)
	}
	chosen := t.TempDir()
	for _, file := range files {
		if err := os.Symlink(file, filepath.Join(chosen, filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
	}
	return chosen
}

func readRows(t *testing.T, path string) []bench.Row {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []bench.Row
	if err := json.Unmarshal(data, &rows); err != nil || len(rows) == 0 {
		t.Fatalf("results %s: %v, want rows", data, err)
	}
	return rows
}

func TestBenchServeRefuses(t *testing.T) {
	empty := t.TempDir()
	tests := []struct {
		want string
		give []string
	}{
		{"--pictures", []string{"--pictures", filepath.Join(empty, "none")}},
		{"0 pictures, expected at least 2", []string{"--pictures", empty}},
		{"0 candidates", []string{"--call=rank", "--candidates=0"}},
		{"0 clients and 0 calls/s", []string{"--clients=0"}},
		{"duration of 0s", []string{"--duration=0s"}},
		{"--sweep with --server", []string{"--sweep", "--server=127.0.0.1:1"}},
		{"the token would go in plain text", []string{"--server=192.0.2.1:1", "--token-file=" + filepath.Join(empty, "token")}},
	}
	for _, tt := range tests {
		if _, stderr, code := proctest.RunBench(t, append([]string{"serve"}, tt.give...)...); code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("bench serve %v: exit code %d and %q, want 2 and %q", tt.give, code, stderr, tt.want)
		}
	}
}
