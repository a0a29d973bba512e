package training

import "testing"

// TestPathsAreQuotedForAShell: what is printed to be copied can be.
func TestPathsAreQuotedForAShell(t *testing.T) {
	for give, want := range map[string]string{
		"runs/mine": "runs/mine", "my runs/1": "'my runs/1'", "it's": `'it'\''s'`, "Läufe/猫": "Läufe/猫", "a;b": "'a;b'",
	} {
		if got := quoted(give); got != want {
			t.Errorf("quoted(%q) = %s, want %s", give, got, want)
		}
	}
}
