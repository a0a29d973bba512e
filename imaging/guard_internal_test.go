package imaging

import (
	"errors"
	"testing"
)

// No input is known that makes a decoder panic, so that the edge which catches
// it is tested from inside.
func TestGuardTurnsPanicsIntoErrors(t *testing.T) {
	tests := []struct {
		name string
		give func() (int, error)
	}{
		{"panic", func() (int, error) { var none map[string]int; none["x"] = 1; return 0, nil }},
		{"error", func() (int, error) { return 0, errors.New("short") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := guard(PNG, tt.give); !errors.Is(err, &Error{Reason: ReasonUndecodable}) {
				t.Errorf("guard() = %v, want reason %s", err, ReasonUndecodable)
			}
		})
	}
}
