package main

import (
	"strings"
	"testing"
)

// TestServerProgramIsMissed: the tests' binary has no siamese beside it.
func TestServerProgramIsMissed(t *testing.T) {
	program, err := siameseProgram()
	if err == nil || !strings.Contains(err.Error(), "no program siamese beside ") || !strings.Contains(err.Error(), "make build") {
		t.Errorf("siameseProgram = %q, %v, want an error that says what is missing where", program, err)
	}
}
