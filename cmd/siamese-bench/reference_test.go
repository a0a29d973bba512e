package main

import (
	"testing"

	"siamese/cmd/internal/reference"
	"siamese/cmd/internal/reference/referencetest"
)

// TestReference holds docs/reference/cli-bench.md, and the examples in it, against the
// command line, and what else is made of it against those who read that.
func TestReference(t *testing.T) {
	described, parser, err := program().Reference()
	if err != nil {
		t.Fatal(err)
	}
	referencetest.Hold(t, described, "cli-bench.md")
	referencetest.CheckExamples(t, described, parser.Parse)
	t.Run("man pages", func(t *testing.T) { referencetest.Lint(t, described) })
	for _, shell := range reference.Shells {
		t.Run(shell, func(t *testing.T) {
			referencetest.Complete(t, described, shell, map[string]string{
				"liv":         "live",
				"serve --ser": "serve --server",
				"gpu --cac":   "gpu --cache",
			})
		})
	}
}
