package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"siamese/client"
)

// Encoder is the network in this process.
type Encoder interface {
	// Encode turns images, uint8 [n,H,W,3], into embeddings, float32 [n,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)
}

// Preparer turns an encoded image into the network's input, uint8 [H,W,3].
type Preparer func(encoded []byte) ([]byte, error)

// Serving compares a server process with the same work done in this process.
type Serving struct {
	Encoder Encoder
	// Precision is what Encoder and server compute in, such as "float32".
	Precision string
	Prepare   Preparer
	// A and B are encoded images of the network's input size, of different
	// content.
	A, B []byte
	// Command starts a server that listens on the address that is appended to
	// it: program and arguments.
	Command []string
	// Progress is told what is going on, for a person.
	Progress io.Writer
}

// How much is measured, and the bars.
const (
	encodeRuns  = 15
	compareRuns = 60

	memoryWarmUpCalls = 500
	memoryCalls       = 2000

	overheadBarPercent = 5
	startBarSeconds    = 8
	memoryBarMB        = 30
)

// Run measures everything; it takes some minutes.
func (s Serving) Run(ctx context.Context) ([]Row, error) {
	s.say("encoding in this process")
	rows, err := s.encodeRows(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench encode: %w", err)
	}
	served, err := s.serverRows(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench serve: %w", err)
	}
	return append(rows, served...), nil
}

func (s Serving) say(what string) {
	fmt.Fprintf(s.Progress, "bench: %s\n", what)
}

// encodeRows times the encoder alone.
func (s Serving) encodeRows(ctx context.Context) ([]Row, error) {
	image, err := s.Prepare(s.A)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, size := range []int{1, 16} {
		var batch []byte
		for range size {
			batch = append(batch, image...)
		}
		seconds, err := repeat(encodeRuns, func() error {
			_, err := s.Encoder.Encode(ctx, batch)
			return err
		})
		if err != nil {
			return nil, err
		}
		middle := Median(seconds)
		rows = append(rows,
			Figure(fmt.Sprintf("encode, batch %d", size), middle*1e3, "ms"),
			Figure(fmt.Sprintf("encode, batch %d, rate", size), float64(size)/middle, "images/s"))
	}
	return rows, nil
}

// serverRows starts a server process and measures it.
func (s Serving) serverRows(ctx context.Context) (rows []Row, err error) {
	s.say("starting a server")
	server, err := StartServer(ctx, s.Command)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	rows = append(rows, AtMost("start to SERVING", server.startSeconds, "s", startBarSeconds))
	connection, err := client.New(server.address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()

	s.say("Compare over gRPC, in turn with the same work in this process")
	overhead, err := s.overheadRows(ctx, connection)
	if err != nil {
		return nil, err
	}
	s.say(fmt.Sprintf("resident memory over %d calls", memoryWarmUpCalls+memoryCalls))
	memory, err := s.memoryRow(ctx, connection, server)
	if err != nil {
		return nil, err
	}
	return append(append(rows, overhead...), memory), nil
}

// overheadRows times a Compare over gRPC against two decodes and encodes in
// this process, in turn, so that the machine's moods hit both.
func (s Serving) overheadRows(ctx context.Context, connection *client.Client) ([]Row, error) {
	seconds, err := InTurn(compareRuns,
		Clocked(func(int) error { _, err := connection.Compare(ctx, s.A, s.B, client.Options{}); return err }),
		Clocked(func(int) error { return s.encodePair(ctx) }))
	if err != nil {
		return nil, err
	}
	remote, local := seconds[0], seconds[1]
	return []Row{
		Figure("two decodes and encodes in process", Median(local)*1e3, "ms"),
		Figure("Compare over gRPC, two 105×105 PNGs", Median(remote)*1e3, "ms"),
		AtMost("Compare over gRPC, overhead", (MedianRatio(remote, local)-1)*100, "%", overheadBarPercent),
	}, nil
}

// encodePair is the work of a Compare but for the head.
func (s Serving) encodePair(ctx context.Context) error {
	a, err := s.Prepare(s.A)
	if err != nil {
		return err
	}
	b, err := s.Prepare(s.B)
	if err != nil {
		return err
	}
	_, err = s.Encoder.Encode(ctx, append(a, b...))
	return err
}

// memoryRow is how much the server grows over many calls.
func (s Serving) memoryRow(ctx context.Context, connection *client.Client, server *Server) (Row, error) {
	if err := s.compareTimes(ctx, connection, memoryWarmUpCalls); err != nil {
		return Row{}, err
	}
	before, err := server.residentMB()
	if err != nil {
		return Row{}, err
	}
	if err := s.compareTimes(ctx, connection, memoryCalls); err != nil {
		return Row{}, err
	}
	after, err := server.residentMB()
	if err != nil {
		return Row{}, err
	}
	name := fmt.Sprintf("resident memory, growth over %d Compares after %d", memoryCalls, memoryWarmUpCalls)
	return AtMost(name, after-before, "MB", memoryBarMB), nil
}

func (s Serving) compareTimes(ctx context.Context, connection *client.Client, times int) error {
	for range times {
		if _, err := connection.Compare(ctx, s.A, s.B, client.Options{}); err != nil {
			return err
		}
	}
	return nil
}
