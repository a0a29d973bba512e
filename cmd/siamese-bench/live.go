package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"siamese/bench"
	"siamese/cmd/internal/cli"
)

type liveCommand struct {
	output
	modelFlags
	liveFlags
}

// Run measures the live loop on this machine.
func (c *liveCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.rows(ctx, s, c.live)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// liveFlags choose the client of the live loop.
type liveFlags struct {
	Webcam string `help:"The webcam client to measure the live loop with; 'make webcam' builds the default one." default:"bin/siamese-webcam" placeholder:"PROGRAM"`
}

// live measures the live loop. There are no rows, and the reason is printed,
// where there is no client that runs.
func (f liveFlags) live(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	if reason := f.noWebcam(ctx); reason != "" {
		fmt.Fprintf(serving.Progress, "bench: no live loop: %s\n", reason)
		return nil, nil
	}
	return bench.Live{Serving: serving, Webcam: f.Webcam}.Run(ctx)
}

// noWebcam says why the client can't be run, empty where it can: it may be
// missing, built without OpenCV, or not find OpenCV's libraries.
func (f liveFlags) noWebcam(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, f.Webcam, "--help").CombinedOutput()
	if err == nil {
		return ""
	}
	reason := fmt.Sprintf("%s: %v", f.Webcam, err)
	if said := strings.TrimSpace(string(out)); said != "" {
		reason += ": " + said
	}
	return reason + " ('make webcam' builds one)"
}
