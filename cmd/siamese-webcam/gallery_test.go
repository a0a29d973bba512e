package main

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckGallery(t *testing.T) {
	two := float32(2)
	tests := []struct {
		name string
		give flags
		want string // empty: no error
	}{
		{"references", flags{Reference: []string{"a.png"}, Model: "general", Window: 4}, ""},
		{"gallery", flags{Gallery: "pets", Top: 3, Window: 1}, ""},
		{"gallery with all", flags{Gallery: "pets", Top: 100, Window: 1, MinSimilarity: 1, Filter: []string{"room=kitchen", "colour="}}, ""},
		{"both", flags{Gallery: "pets", Top: 3, Window: 1, Reference: []string{"a.png"}}, `--gallery: received --reference "a.png" as well, expected one of the two`},
		{"model", flags{Gallery: "pets", Top: 3, Window: 1, Model: "general"}, `--gallery: received model "general" as well`},
		{"window", flags{Gallery: "pets", Top: 3, Window: 2}, "--window: received 2 with --gallery, expected 1"},
		{"no things", flags{Gallery: "pets", Window: 1}, "--top: received 0, expected 1 to 100"},
		{"too many things", flags{Gallery: "pets", Top: 101, Window: 1}, "--top: received 101, expected 1 to 100"},
		{"similarity NaN", flags{Gallery: "pets", Top: 3, Window: 1, MinSimilarity: float32(math.NaN())}, "--min-similarity: received NaN, expected 0 to 1"},
		{"threshold", flags{Gallery: "pets", Top: 3, Window: 1, Threshold: &two}, "--threshold: received 2, expected 0 to 1"},
		{"filter without value", flags{Gallery: "pets", Top: 3, Window: 1, Filter: []string{"room"}}, `--filter: received "room", expected key=value`},
		{"filter twice", flags{Gallery: "pets", Top: 3, Window: 1, Filter: []string{"room=a", "room=b"}}, `--filter: received the key "room" twice`},
		{"filter without gallery", flags{Filter: []string{"room=a"}}, "without --gallery"},
	}
	for _, tt := range tests {
		err := tt.give.checkGallery()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: checkGallery() = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestPairs(t *testing.T) {
	got, err := pairs([]string{"room=kitchen", "sum=1=1", "colour="})
	want := map[string]string{"room": "kitchen", "sum": "1=1", "colour": ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("pairs: %v (-want +got):\n%s", err, diff)
	}
}
