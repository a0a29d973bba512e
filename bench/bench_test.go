package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRowsHoldOrNot(t *testing.T) {
	tests := []struct {
		give Row
		want bool
	}{
		{Figure("a figure", 1e9, "s"), true},
		{AtMost("on the bar", 5, "%", 5), true},
		{AtMost("below", -1, "%", 5), true},
		{AtMost("over", 5.1, "%", 5), false},
	}
	for _, tt := range tests {
		if tt.give.Holds != tt.want {
			t.Errorf("%+v holds: %t, want %t", tt.give, tt.give.Holds, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	tests := []struct {
		give []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 100}, 3},
	}
	for _, tt := range tests {
		if got := Median(tt.give); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.give, got, tt.want)
		}
	}
}

func TestWriteResults(t *testing.T) {
	rows := []Row{Figure("rate", 24.5, "images/s"), AtMost("overhead", 6, "%", 5)}
	path := filepath.Join(t.TempDir(), ".bench", "results.json")
	if err := WriteJSON(path, rows); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["bar"] != nil || got[0]["holds"] != true || got[1]["bar"] != 5.0 || got[1]["holds"] != false || got[1]["value"] != 6.0 {
		t.Errorf("results are %s, want both rows with their bars", data)
	}
	var table strings.Builder
	if err := WriteTable(&table, rows); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "≤ 5  no") || !strings.Contains(table.String(), "images/s") {
		t.Errorf("table is\n%s\nwant both rows", table.String())
	}
}

// TestStartServerTellsWhatWentWrong: a server that ends at once is an error with
// its own words, not a wait of minutes.
func TestStartServerTellsWhatWentWrong(t *testing.T) {
	if _, err := StartServer(t.Context(), []string{"sh", "-c", "echo no model >&2; exit 3", "sh"}); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("startServer of a program that fails = %v, want its standard error", err)
	}
}
