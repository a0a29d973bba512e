package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc"

	"siamese/bench/load"
	"siamese/client"
)

// Traffic is calls of one kind, sent to a server at a pace.
type Traffic struct {
	Kind TrafficKind
	// Pace is all of the load but its Call.
	Pace load.Config
	// Candidates is how many a Rank has.
	Candidates int
	// Files are the encoded images to send, each in its turn, from the first on
	// again after the last: at least 2, with Rank more than Candidates.
	Files [][]byte
}

// TrafficKind is what is called.
type TrafficKind string

// The kinds.
const (
	CompareTraffic TrafficKind = "compare"
	RankTraffic    TrafficKind = "rank"
	// StreamTraffic sends frames against one reference, the first file, on as many
	// streams as their windows need.
	StreamTraffic TrafficKind = "stream"
)

// Outcome is what became of traffic.
type Outcome struct {
	load.Report
	// ImagesPerCall is how many images a call has.
	ImagesPerCall int
	// Runs is how many images the encoder's runs had, nil where the server's
	// metrics are not available.
	Runs *RunSizes
}

// Validate tells what is wrong, nil if nothing is.
func (t Traffic) Validate() error {
	need := 2
	switch t.Kind {
	case CompareTraffic, StreamTraffic:
	case RankTraffic:
		if t.Candidates < 1 {
			return fmt.Errorf("bench: received %d candidates, expected at least 1", t.Candidates)
		}
		need = t.Candidates + 1
	default:
		return fmt.Errorf("bench: received traffic of %q, expected compare, rank or stream", t.Kind)
	}
	if len(t.Files) < need {
		return fmt.Errorf("bench: received %d pictures, expected at least %d for %s", len(t.Files), need, t.Kind)
	}
	return t.ValidatePace()
}

// ValidatePace tells what is wrong with the pace alone.
func (t Traffic) ValidatePace() error {
	pace := t.Pace
	pace.Call = func(context.Context, int) error { return nil } // is made later
	return pace.Validate()
}

// Run sends the traffic to the server at an address. metrics is the URL of its
// metrics, empty where there are none. Calls that fail are part of the outcome.
func (t Traffic) Run(ctx context.Context, metrics, address string, options ...grpc.DialOption) (_ Outcome, err error) {
	if err := t.Validate(); err != nil {
		return Outcome{}, err
	}
	connection, err := client.New(address, options...)
	if err != nil {
		return Outcome{}, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	pace := t.Pace
	var stop func()
	if pace.Call, stop, err = t.newCall(ctx, target{connection}); err != nil {
		return Outcome{}, err
	}
	defer stop()
	before, err := readRunSizes(ctx, metrics)
	if err != nil {
		return Outcome{}, err
	}
	report, err := load.Run(ctx, pace)
	if err != nil {
		return Outcome{}, err
	}
	after, err := readRunSizes(ctx, metrics)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Report: report, ImagesPerCall: t.imagesPerCall(), Runs: after.since(before)}, nil
}

// RunOwn starts a server with a command, as Serving.Command does, sends it the
// traffic and stops it.
func (t Traffic) RunOwn(ctx context.Context, command []string) (Outcome, error) {
	_, outcomes, err := t.RunOwnPaces(ctx, command, []load.Config{t.Pace})
	if err != nil {
		return Outcome{}, err
	}
	return outcomes[0], nil
}

// RunOwnPaces is RunOwn at several paces, one after the other, in the place of
// Pace. start is the time from the server's start to SERVING, in seconds.
func (t Traffic) RunOwnPaces(ctx context.Context, command []string, paces []load.Config) (start float64, _ []Outcome, err error) {
	probes, err := freeAddress(ctx)
	if err != nil {
		return 0, nil, err
	}
	last := len(command) - 1
	server, err := StartServer(ctx, slices.Concat(command[:last], []string{"--health-addr=" + probes}, command[last:]))
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	var outcomes []Outcome
	for _, pace := range paces {
		t.Pace = pace
		outcome, err := t.Run(ctx, "http://"+probes+"/metrics", server.address)
		if err != nil {
			return 0, nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	return server.startSeconds, outcomes, nil
}

func (t Traffic) imagesPerCall() int {
	switch t.Kind {
	case RankTraffic:
		return t.Candidates + 1
	case StreamTraffic:
		return 1
	}
	return 2
}

// newCall makes what is called, and what ends what it needs.
func (t Traffic) newCall(ctx context.Context, to target) (load.Call, func(), error) {
	switch t.Kind {
	case RankTraffic:
		return to.ranking(t.Files, t.Candidates), func() {}, nil
	case StreamTraffic:
		return t.streams(ctx, to)
	}
	return to.comparing(t.Files), func() {}, nil
}

// openLoopStreams is how many streams carry frames that arrive at a rate.
const openLoopStreams = 4

// streams opens streams whose frames are sent in turn.
func (t Traffic) streams(ctx context.Context, to target) (load.Call, func(), error) {
	count := openLoopStreams
	if t.Pace.Clients > 0 {
		count = (t.Pace.Clients + streamWindow - 1) / streamWindow
	}
	var calls []load.Call
	var opened []stream
	stop := func() {
		for _, each := range opened {
			_ = each.Close() // returns nil
		}
	}
	for range count {
		each, err := to.openStream(ctx, t.Files[0], streamWindow)
		if err != nil {
			stop()
			return nil, nil, err
		}
		opened, calls = append(opened, each), append(calls, each.streaming(t.Files[1:]))
	}
	return func(ctx context.Context, number int) error { return calls[number%count](ctx, number) }, stop, nil
}
