package training

import (
	"strings"
	"testing"
)

// TestTableOfSettings: each row has a key, as the run's configuration has it.
func TestTableOfSettings(t *testing.T) {
	var table strings.Builder
	printTable(&table, trainFlags{Start: "builtin"}, "runs/a")
	for row := range strings.Lines(table.String()) {
		if key, _, is := strings.Cut(strings.TrimPrefix(row, "|"), "|"); is && strings.TrimSpace(key) == "" {
			t.Errorf("row %q has no key", row)
		}
	}
	if !strings.Contains(table.String(), "start|") || !strings.Contains(table.String(), "builtin|") {
		t.Errorf("the table has no start:\n%s", &table)
	}
}
