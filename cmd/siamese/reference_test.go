package main

import (
	"testing"

	"siamese/cmd/internal/reference"
	"siamese/cmd/internal/reference/referencetest"
)

// TestReference holds docs/reference/cli.md, and the examples in it, against the
// command line.
func TestReference(t *testing.T) {
	described, parser, err := program().Reference()
	if err != nil {
		t.Fatal(err)
	}
	referencetest.Hold(t, described, "cli.md")
	referencetest.CheckExamples(t, described, parser.Parse)
}

// TestManPages: mandoc finds nothing to say about the pages.
func TestManPages(t *testing.T) {
	described, _, err := program().Reference()
	if err != nil {
		t.Fatal(err)
	}
	referencetest.Lint(t, described)
}

// TestCompletion types into real shells.
func TestCompletion(t *testing.T) {
	described, _, err := program().Reference()
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range reference.Shells {
		t.Run(shell, func(t *testing.T) {
			referencetest.Complete(t, described, shell, map[string]string{
				"mode":                            "model",
				"eval ver":                        "eval verify",
				"serve --preci":                   "serve --precision",
				"serve --precision bf":            "serve --precision bfloat16",
				"serve --resize=let":              "serve --resize=letterbox",
				"serve --addr :0 --precision tf":  "serve --addr :0 --precision tf32",
				"serve --model pict":              "serve --model picture.png",
				"serve --tls-cert pict":           "serve --tls-cert picture.png",
				"serve --cache m":                 "serve --cache models",
				"compare pict":                    "compare picture.png",
				"compare a.png pict":              "compare a.png picture.png",
				"eval verify data --split alph":   "eval verify data --split alphabet",
				"help calib":                      "help calibrate",
				"completion fi":                   "completion fish",
				"--config pict":                   "--config picture.png",
				"--config picture.png train --ep": "--config picture.png train --epochs",
				// What takes no known value offers none.
				"serve --addr pict": "serve --addr pict",
				"token pict":        "token pict",
			})
		})
	}
}
