package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"siamese/bench"
	"siamese/bench/load"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
)

type serveCommand struct {
	output
	modelFlags
	trafficFlags

	Server     string     `help:"Calls the server at this address. Empty: starts one on this machine, which keeps no embeddings." placeholder:"ADDR"`
	MetricsURL string     `help:"Reads the metrics of --server from this URL, for the images a run, such as http://127.0.0.1:9090/metrics. Empty: not told." name:"metrics-url" placeholder:"URL"`
	Dial       dial.Flags `embed:""`

	Sweep  bool `help:"Compares settings of the server with each other: the defaults were chosen by it."`
	Rounds int  `help:"Sets how often a sweep measures each setting." default:"3"`
}

// sweepSettings are what a sweep holds against the defaults, which come first.
var sweepSettings = []string{
	"", "--runners=2", "--runners=3", "--max-batch=1", "--max-batch=2", "--max-batch=4", "--max-batch=16",
	"--batch-wait=2ms", "--batch-wait=5ms", "--intra-threads=1", "--inter-threads=1",
}

// trafficFlags say what is sent and how fast.
type trafficFlags struct {
	Call       string        `help:"Chooses what is called: compare, rank or stream (frames against one reference)." enum:"compare,rank,stream" default:"compare"`
	Candidates int           `help:"Sets the candidates of one rank." default:"64"`
	Clients    int           `help:"Sets the callers of a closed loop, each of which calls again once it is answered; of a stream the frames in flight." default:"16"`
	Rate       float64       `help:"Sends this many calls a second, whatever becomes of those before (an open loop), in place of --clients. 0: closed loop." default:"0"`
	Fixed      bool          `help:"Sends the calls of --rate at even intervals, not at random ones."`
	Duration   time.Duration `help:"Measures for this long." default:"10s"`
	WarmUp     time.Duration `help:"Calls for this long before that. 0: not at all." default:"2s"`
	Deadline   time.Duration `help:"Limits how long each call may take; what takes longer has failed. 0: no limit." default:"0s"`
	Pictures   string        `help:"Chooses what is sent: jpeg (640×480), png (105×105), or the files of a folder." default:"jpeg" placeholder:"KIND|DIR"`
}

// Run sends the traffic, or sweeps.
func (c *serveCommand) Run(ctx context.Context, s cli.Streams) error {
	c.choose()
	traffic, err := c.traffic()
	if err != nil {
		return err
	}
	if c.Sweep {
		return c.sweep(ctx, s, traffic)
	}
	name := c.describe()
	fmt.Fprintln(s.Out, name)
	outcome, err := c.send(ctx, traffic)
	if err != nil {
		return err
	}
	if err := outcome.Write(s.Out); err != nil {
		return err
	}
	return bench.WriteJSON(c.Output, outcome.Rows(name))
}

// send sends the traffic to the server that was named, else to one of its own.
func (c *serveCommand) send(ctx context.Context, traffic bench.Traffic) (bench.Outcome, error) {
	if c.Server == "" {
		command, err := c.server("--cache-bytes=0")
		if err != nil {
			return bench.Outcome{}, err
		}
		return traffic.RunOwn(ctx, command)
	}
	options, err := c.Dial.Options(c.Server)
	if err != nil {
		return bench.Outcome{}, err
	}
	return traffic.Run(ctx, c.MetricsURL, c.Server, options...)
}

func (c *serveCommand) sweep(ctx context.Context, s cli.Streams, traffic bench.Traffic) error {
	if c.Server != "" || c.Rounds < 1 {
		return cli.Usage(fmt.Errorf("--sweep with --server %q and --rounds %d, expected no server, which it starts itself, and at least one round", c.Server, c.Rounds))
	}
	command, err := c.server("--cache-bytes=0")
	if err != nil {
		return err
	}
	swept, err := bench.Sweep{
		Command: command, Settings: sweepSettings, Traffic: traffic, Rounds: c.Rounds, Progress: s.Err,
	}.Run(ctx)
	if err != nil {
		return err
	}
	if err := bench.WriteSweep(s.Out, swept); err != nil {
		return err
	}
	return bench.WriteJSON(c.Output, bench.SweepRows(swept))
}

// traffic is what the flags ask for.
func (f trafficFlags) traffic() (bench.Traffic, error) {
	t := bench.Traffic{
		Kind:       bench.TrafficKind(f.Call),
		Candidates: f.Candidates,
		Pace:       load.Config{Clients: f.Clients, WarmUp: f.WarmUp, Duration: f.Duration, Deadline: f.Deadline, Fixed: f.Fixed, Seed: 1},
	}
	if f.Rate != 0 {
		t.Pace.Clients, t.Pace.Rate = 0, f.Rate
	}
	if err := t.ValidatePace(); err != nil { // before pictures are made
		return bench.Traffic{}, cli.Usage(err)
	}
	var err error
	if t.Files, err = f.files(); err != nil {
		return bench.Traffic{}, err
	}
	if err := t.Validate(); err != nil {
		return bench.Traffic{}, cli.Usage(err)
	}
	return t, nil
}

// The least and the greatest number of pictures that are made, and for how many
// seconds calls of a rate have none in common where there is no deadline.
const (
	minPictures = 128
	maxPictures = 4096
	apartSecs   = 10
)

// files are the pictures to send: twice as many as are in flight at a time, so
// that no two calls at a time have one in common.
func (f trafficFlags) files() ([][]byte, error) {
	underWay := float64(f.Clients)
	if f.Rate != 0 {
		underWay = f.Rate * max(f.Deadline.Seconds(), apartSecs)
	}
	images := 2
	if f.Call == string(bench.RankTraffic) {
		images = f.Candidates + 1
	}
	count := int(min(max(2*underWay*float64(images), minPictures), maxPictures))
	switch f.Pictures {
	case "jpeg":
		return bench.Scenes(count)
	case "png":
		return bench.Drawings(count)
	}
	return readFolder(f.Pictures)
}

// readFolder reads the files of a folder, in the order of their names.
func readFolder(dir string) ([][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--pictures: %w", err))
	}
	var files [][]byte
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		file, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("--pictures: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// describe says what is sent, in one line.
func (c *serveCommand) describe() string {
	what := c.Call
	if c.Call == string(bench.RankTraffic) {
		what = fmt.Sprintf("rank 1:%d", c.Candidates)
	}
	pace := fmt.Sprintf("%d callers in a closed loop", c.Clients)
	if c.Rate != 0 {
		pace = fmt.Sprintf("%g calls/s arriving at random", c.Rate)
		if c.Fixed {
			pace = fmt.Sprintf("%g calls/s arriving at even intervals", c.Rate)
		}
	}
	return fmt.Sprintf("%s of %s, %s, %v after %v", what, c.Pictures, pace, c.Duration, c.WarmUp)
}
