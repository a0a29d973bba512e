package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/internal/conformance"
	"siamese/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// TestConformance runs all runners, or those that RUNNERS names (separated by commas), on
// one server.
func TestConformance(t *testing.T) {
	if os.Getenv("CONFORMANCE") == "" {
		t.Skip("the clients of all languages are run by make conformance")
	}
	root, err := filepath.Abs(proctest.Root)
	if err != nil {
		t.Fatal(err)
	}
	target := conformance.Target{
		Root: root, HTTP: proctest.FreeAddress(t), Environment: os.Environ(),
		Cases: filepath.Join(root, "testdata/conformance/cases.json"),
	}
	target.GRPC = proctest.Serve(t, "--http-addr", target.HTTP, "--galleries", t.TempDir()).Address
	var outcomes []conformance.Outcome
	for _, row := range chosen(t, os.Getenv("RUNNERS")) {
		outcomes = append(outcomes, row.Run(t.Context(), target))
	}
	if !conformance.Report(os.Stdout, caseNames(t, target.Cases), outcomes) {
		t.Error("not all rows are equal: see above")
	}
}

// chosen are the rows of a list of names; empty: all.
func chosen(t *testing.T, names string) []conformance.Row {
	t.Helper()
	if names == "" {
		return conformance.Rows
	}
	var rows []conformance.Row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(conformance.Rows, func(row conformance.Row) bool { return row.Name == name })
		if i < 0 {
			t.Fatalf("received the runner %q, expected names of internal/conformance/rows.go, separated by commas", name)
		}
		rows = append(rows, conformance.Rows[i])
	}
	return rows
}

func caseNames(t *testing.T, path string) []string {
	t.Helper()
	var cases []struct{ Case string }
	if err := json.Unmarshal(proctest.ReadFile(t, path), &cases); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.Case
	}
	return names
}
