package galleries

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"siamese/bench"
	"siamese/bench/load"
	"siamese/client"
	"siamese/gallery"
)

// How much a server is asked, and the bars.
const (
	enrolRounds  = 4
	embedAtOnce  = 8
	embedCallers = 2 // as the server prepares pictures while it encodes others

	loadClients = 16
	loadWarmUp  = time.Second

	enrolBar        = 0.95
	loadBar         = 3
	residentBarMB   = 1000
	residentQueries = 100
)

// served measures what a server of its own process does with the galleries.
func (g Gallery) served(ctx context.Context) (rows []bench.Row, err error) {
	parts := []struct {
		name    string
		measure func(context.Context, *runningServer) ([]bench.Row, error)
	}{{"memory", g.memoryRows}, {"serve", g.callRows}, {"enrol", g.enrolRows}, {"load", g.loadRows}}
	var server *runningServer
	for _, part := range parts {
		if !g.does(part.name) {
			continue
		}
		if server == nil {
			if server, err = g.start(ctx); err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, server.close()) }()
		}
		measured, err := part.measure(ctx, server)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// runningServer is a server process with a client.
type runningServer struct {
	process int // its id
	client  *client.Client
	stop    func() error
}

// start starts the server and has it do all kinds of calls once, before it has opened the
// gallery that is measured.
func (g Gallery) start(ctx context.Context) (*runningServer, error) {
	g.say("starting a server")
	command, err := g.Command(g.Store.Place())
	if err != nil {
		return nil, err
	}
	process, err := bench.StartServer(ctx, command)
	if err != nil {
		return nil, err
	}
	s := &runningServer{process: process.Process(), stop: process.Stop}
	if s.client, err = client.New(process.Address()); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	for i := range searchWarmUp {
		if err := g.identify(ctx, s.client, g.smallName(), g.query(i)); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *runningServer) close() error { return errors.Join(s.client.Close(), s.stop()) }

// identify searches by an embedding.
func (g Gallery) identify(ctx context.Context, c *client.Client, name string, query gallery.Vector) error {
	found, err := c.Identify(ctx, name, client.Image{
		Embedding: &client.Embedding{Values: query.AppendTo(nil), ModelDigest: g.Digest},
	}, client.IdentifyOptions{TopK: searchedThings})
	if err == nil && len(found.Matches) == 0 {
		err = errors.New("a search found nothing")
	}
	return err
}

// memoryRows tell what the server's memory grows by with the gallery, which it opens at
// the first call about it.
func (g Gallery) memoryRows(ctx context.Context, s *runningServer) ([]bench.Row, error) {
	before, err := bench.MemoryMB(s.process, "VmRSS")
	if err != nil {
		return nil, err
	}
	g.say("resident memory over %d searches", residentQueries)
	for i := range residentQueries {
		if err := g.identify(ctx, s.client, g.allName(), g.query(i)); err != nil {
			return nil, err
		}
	}
	after, err := bench.MemoryMB(s.process, "VmRSS")
	if err != nil {
		return nil, err
	}
	most, err := bench.MemoryMB(s.process, "VmHWM")
	if err != nil {
		return nil, err
	}
	return []bench.Row{
		bench.Figure(g.called("resident memory of a server with the model alone"), before, "MB"),
		bench.Figure(g.called("resident memory of the server, the gallery open"), after, "MB"),
		bench.Figure(g.called("resident memory of the server, most while it opened it"), most, "MB"),
		bench.AtMost(g.called("resident memory, growth by the gallery"), after-before, "MB", residentBarMB),
	}, nil
}

// callRows time searches over gRPC.
func (g Gallery) callRows(ctx context.Context, s *runningServer) ([]bench.Row, error) {
	g.say("%d searches over gRPC", g.Queries)
	return g.searches("Identify over gRPC", func(query gallery.Vector) error {
		return g.identify(ctx, s.client, g.allName(), query)
	})
}

// enrolRows hold enrolment of pictures against encoding them alone, in turn, each on
// another part of the pictures in a round.
func (g Gallery) enrolRows(ctx context.Context, s *runningServer) ([]bench.Row, error) {
	g.say("enrolling %d pictures, in turn with Embed of the same", len(g.Pictures))
	some := len(g.Pictures) / (enrolRounds + 1)
	of := func(round int) [][]byte { return g.Pictures[round*some : (round+1)*some] }
	seconds, err := bench.InTurn(enrolRounds,
		bench.Clocked(func(round int) error { return g.embed(ctx, s.client, of(round)) }),
		bench.Clocked(func(round int) error {
			return g.enrol(ctx, s.client, g.newName(), of(round), fmt.Sprint("round-", round))
		}))
	if err != nil {
		return nil, err
	}
	embedded, enrolled := seconds[0], seconds[1]
	return []bench.Row{
		bench.Figure(g.called("Embed of pictures, two calls of 8 at a time"), float64(some)/bench.Median(embedded), "images/s"),
		bench.Figure(g.called("Enroll of the same pictures"), float64(some)/bench.Median(enrolled), "images/s"),
		bench.AtLeast(g.called("Enroll to Embed"), bench.MedianRatio(embedded, enrolled), "×", enrolBar),
	}, nil
}

// embed has the server encode pictures, by as many callers as keep it busy.
func (g Gallery) embed(ctx context.Context, c *client.Client, pictures [][]byte) error {
	var next atomic.Int64
	errs := make([]error, embedCallers)
	var callers sync.WaitGroup
	for caller := range embedCallers {
		callers.Go(func() {
			for errs[caller] == nil {
				from := int(next.Add(embedAtOnce)) - embedAtOnce
				if from >= len(pictures) {
					return
				}
				errs[caller] = embedSome(ctx, c, g.Name, pictures[from:min(from+embedAtOnce, len(pictures))])
			}
		})
	}
	callers.Wait()
	return errors.Join(errs...)
}

func embedSome(ctx context.Context, c *client.Client, model string, pictures [][]byte) error {
	made, err := c.Embed(ctx, pictures, client.Options{Model: model})
	if err != nil {
		return err
	}
	for i, result := range made.Results {
		if result.Err != nil {
			return fmt.Errorf("picture %d: %w", i, result.Err)
		}
	}
	return nil
}

// enrol enrolls pictures on one stream, under ids that begin with a prefix.
func (g Gallery) enrol(ctx context.Context, c *client.Client, name string, pictures [][]byte, prefix string) error {
	done, err := c.Enroll(ctx, name, newEntries(pictures, prefix))
	if err != nil {
		return err
	}
	if done.Added != len(pictures) {
		return fmt.Errorf("%d of %d pictures were added, %d failed: %v", done.Added, len(pictures), done.Failed, done.Failures)
	}
	return nil
}

func newEntries(pictures [][]byte, prefix string) iter.Seq2[client.NewEntry, error] {
	return func(yield func(client.NewEntry, error) bool) {
		for i, picture := range pictures {
			if !yield(client.NewEntry{ID: fmt.Sprintf("%s-%06d", prefix, i), Image: client.Image{Encoded: picture}}, nil) {
				return
			}
		}
	}
}

// loadRows hold searches of 16 clients beside an enrolment in the same gallery against
// the same alone.
func (g Gallery) loadRows(ctx context.Context, s *runningServer) ([]bench.Row, error) {
	g.say("%d clients search, alone, then beside an enrolment", loadClients)
	alone, err := g.search16(ctx, s)
	if err != nil {
		return nil, err
	}
	var stopped atomic.Bool
	ended := make(chan enrolledOn, 1)
	go func() { ended <- g.enrolOn(ctx, s.client, &stopped) }()
	beside, err := g.search16(ctx, s)
	stopped.Store(true)
	enrolled := <-ended
	if err := errors.Join(err, enrolled.err); err != nil {
		return nil, err
	}
	return g.loadFigures(alone, beside, enrolled.perSecond), nil
}

func (g Gallery) loadFigures(alone, beside load.Report, enrolled float64) []bench.Row {
	ms := func(r load.Report, p float64) float64 { return r.Percentile(p).Seconds() * 1e3 }
	return []bench.Row{
		bench.Figure(g.called("16 clients Identify alone"), alone.Throughput(), "calls/s"),
		bench.Figure(g.called("16 clients Identify alone, p99"), ms(alone, 99), "ms"),
		bench.Figure(g.called("16 clients Identify beside enrolment"), beside.Throughput(), "calls/s"),
		bench.Figure(g.called("16 clients Identify beside enrolment, p50"), ms(beside, 50), "ms"),
		bench.Figure(g.called("16 clients Identify beside enrolment, p99"), ms(beside, 99), "ms"),
		bench.Figure(g.called("pictures enrolled beside 16 clients' Identify"), enrolled, "images/s"),
		bench.AtMost(g.called("16 clients Identify, calls that failed"), float64(alone.Sent-alone.Answered+beside.Sent-beside.Answered), "calls", 0),
		bench.AtMost(g.called("16 clients Identify, p99 beside enrolment to alone"), ms(beside, 99)/ms(alone, 99), "×", loadBar),
	}
}

// loadQueries is how many queries the clients have, one after the other.
const loadQueries = 256

// search16 has 16 clients search in a closed loop.
func (g Gallery) search16(ctx context.Context, s *runningServer) (load.Report, error) {
	queries := g.maker().vectors(g.Entries, g.Entries+loadQueries)
	report, err := load.Run(ctx, load.Config{
		Call: func(ctx context.Context, number int) error {
			return g.identify(ctx, s.client, g.allName(), queries[number%len(queries)])
		},
		Clients: loadClients, WarmUp: loadWarmUp, Duration: time.Duration(g.Seconds * float64(time.Second)),
	})
	if err == nil && report.Answered == 0 {
		err = fmt.Errorf("no search was answered: %w", report.FirstFailure)
	}
	if err == nil && report.FirstFailure != nil {
		g.say("searches failed, the first: %v", report.FirstFailure)
	}
	return report, err
}

// enrolledOn is how an enrolment went.
type enrolledOn struct {
	perSecond float64
	err       error
}

// enrolOn enrolls the pictures on one stream, over and over, until it is stopped.
func (g Gallery) enrolOn(ctx context.Context, c *client.Client, stopped *atomic.Bool) enrolledOn {
	begin := time.Now()
	done, err := c.Enroll(ctx, g.allName(), func(yield func(client.NewEntry, error) bool) {
		for round := 0; ; round++ {
			for entry, err := range newEntries(g.Pictures, fmt.Sprint("beside-", round)) {
				if stopped.Load() || !yield(entry, err) {
					return
				}
			}
		}
	})
	if err == nil && (done.Failed > 0 || done.Added == 0) {
		err = fmt.Errorf("%d pictures were enrolled beside the searches and %d failed, expected some and none: %v", done.Added, done.Failed, done.Failures)
	}
	return enrolledOn{float64(done.Added) / time.Since(begin).Seconds(), err}
}
