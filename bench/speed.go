package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"siamese/bench/load"
	"siamese/client"
)

// Speed holds a server process against the same work done in this process and
// against Keras. What is compared is measured in turn, so that the machine's
// moods hit both.
type Speed struct {
	// Serving says what is served; the server of its Command must keep no
	// embeddings.
	Serving
	// Caching starts a server that keeps embeddings, as Command does.
	Caching []string
	// Keras starts scripts/keras_bench.py with the weights that are served. Nil:
	// nothing is compared with Keras.
	Keras []string
	// Half is Serving's Encoder computing in bfloat16. Nil where the processor has
	// none.
	Half Encoder
	// DecodeBar is what decoding and resizing a JPEG of 640×480 may take in ms.
	DecodeBar float64
}

// How much is measured, and the bars.
const (
	speedRounds = 5
	speedSpan   = 5 * time.Second // of each side in a round
	speedWarmUp = 2 * time.Second

	unaryClients = 16
	unaryScenes  = 128 // four times those in flight: none is shared
	unaryBar     = 0.95

	streamWindow = 8
	streamBar    = 0.96

	poissonSpan  = 60 * time.Second
	poissonShare = 0.5
	poissonBar   = 5

	decodeScenes = 32

	halfBatch  = 8
	halfRounds = 9
)

// Run measures everything; it takes some minutes.
func (s Speed) Run(ctx context.Context) (rows []Row, err error) {
	s.say("making pictures")
	scenes, err := Scenes(unaryScenes)
	if err != nil {
		return nil, err
	}
	drawings, err := Drawings(rankPictures)
	if err != nil {
		return nil, err
	}
	rows, err = s.decodeRows(scenes[:decodeScenes])
	if err != nil {
		return nil, err
	}
	half, err := s.halfRows(ctx, drawings[0])
	if err != nil {
		return nil, err
	}
	rows = append(rows, half...)
	server, err := StartServer(ctx, s.Command)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	connection, err := client.New(server.address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	to := target{connection}
	for _, part := range []func() ([]Row, error){
		func() ([]Row, error) { return s.unaryRows(ctx, to, scenes) },
		func() ([]Row, error) { return s.streamRows(ctx, to, drawings) },
		func() ([]Row, error) { return s.rankRows(ctx, to, drawings) },
		func() ([]Row, error) { return s.cachedRankRows(ctx, drawings) },
		func() ([]Row, error) { return s.kerasRows(ctx, to, drawings) },
	} {
		measured, err := part()
		if err != nil {
			return nil, fmt.Errorf("bench speed: %w", err)
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// decodeRows times decoding and resizing in one goroutine.
func (s Speed) decodeRows(scenes [][]byte) ([]Row, error) {
	var seconds []float64
	for _, scene := range scenes {
		times, err := repeat(3, func() error { _, err := s.Prepare(scene); return err })
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, Median(times))
	}
	return []Row{AtMost("decode and resize a JPEG of 640×480", Median(seconds)*1e3, "ms", s.DecodeBar)}, nil
}

// halfRows hold bfloat16 against float32, a batch each in turn.
func (s Speed) halfRows(ctx context.Context, drawing []byte) ([]Row, error) {
	if s.Half == nil {
		s.say("the processor has no bfloat16: nothing is held against float32")
		return nil, nil
	}
	s.say("encoding in bfloat16, in turn with float32")
	image, err := s.Prepare(drawing)
	if err != nil {
		return nil, err
	}
	batch := bytes.Repeat(image, halfBatch)
	encode := func(encoder Encoder) Work {
		return Clocked(func(int) error { _, err := encoder.Encode(ctx, batch); return err })
	}
	seconds, err := InTurn(halfRounds, encode(s.Half), encode(s.Encoder))
	if err != nil {
		return nil, err
	}
	half, full := seconds[0], seconds[1]
	return []Row{
		Figure(fmt.Sprintf("encode in bfloat16, batch %d, rate", halfBatch), halfBatch/Median(half), "images/s"),
		Figure(fmt.Sprintf("encode, batch %d, bfloat16 to float32", halfBatch), MedianRatio(full, half), "×"),
	}, nil
}

// unaryRows measure pairs of distinct scenes from many clients, and what a lone
// one feels when calls arrive at random.
func (s Speed) unaryRows(ctx context.Context, to target, scenes [][]byte) ([]Row, error) {
	s.say(fmt.Sprintf("Compare from %d clients, in turn with the same work in this process", unaryClients))
	compared, err := s.inTurn(ctx, load.Config{Call: to.comparing(scenes), Clients: unaryClients}, s.pairs(scenes))
	if err != nil {
		return nil, err
	}
	s.say("Compare from one client, then arrivals at random")
	alone, err := load.Run(ctx, load.Config{Call: to.comparing(scenes), Clients: 1, WarmUp: speedWarmUp, Duration: speedSpan})
	if err := errors.Join(err, alone.FirstFailure); err != nil {
		return nil, err
	}
	rate := poissonShare * compared.served()
	arriving, err := load.Run(ctx, load.Config{Call: to.comparing(scenes), Rate: rate, Seed: 1, WarmUp: speedWarmUp, Duration: poissonSpan})
	if err := errors.Join(err, arriving.FirstFailure); err != nil {
		return nil, err
	}
	return append(compared.rows("Compare of two JPEGs of 640×480, 16 clients", "pairs", unaryBar),
		Figure("Compare of two JPEGs of 640×480, one client, median", alone.Percentile(50).Seconds()*1e3, "ms"),
		Figure("the same, arriving at random at half of that rate, 99 of 100", arriving.Percentile(99).Seconds()*1e3, "ms"),
		AtMost("99 of 100 at half load, to one client's median", arriving.Percentile(99).Seconds()/alone.Percentile(50).Seconds(), "×", poissonBar)), nil
}

// streamRows measure frames on one stream against one reference.
func (s Speed) streamRows(ctx context.Context, to target, drawings [][]byte) ([]Row, error) {
	s.say("frames on a stream, in turn with the same work in this process")
	stream, err := to.openStream(ctx, drawings[0], streamWindow)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // returns nil
	compared, err := s.inTurn(ctx, load.Config{Call: stream.streaming(drawings[1:]), Clients: streamWindow}, s.images(drawings[1:]))
	if err != nil {
		return nil, err
	}
	return compared.rows("frames on a stream, PNGs of 105×105", "frames", streamBar), nil
}

// pairs gives the work of a Compare but for the head, the next two pictures each
// time.
func (s Speed) pairs(files [][]byte) func(context.Context, int) error {
	return func(ctx context.Context, number int) error {
		pair := Serving{Encoder: s.Encoder, Prepare: s.Prepare, A: files[2*number%len(files)], B: files[(2*number+1)%len(files)]}
		return pair.encodePair(ctx)
	}
}

// images gives the work of a frame but for the head, the next picture each time.
func (s Speed) images(files [][]byte) func(context.Context, int) error {
	return func(ctx context.Context, number int) error {
		image, err := s.Prepare(files[number%len(files)])
		if err != nil {
			return err
		}
		_, err = s.Encoder.Encode(ctx, image)
		return err
	}
}

// How much is measured of Rank, and the bars.
const (
	rankCandidates = 64
	rankPictures   = 2 * rankCandidates * rankRounds
	rankRounds     = 5
	rankBar        = 0.53
	cachedRankRuns = 15
	cachedRankBar  = 2.5
)

// rankRows hold a Rank against as many Compares, with a server that keeps no
// embeddings.
func (s Speed) rankRows(ctx context.Context, to target, drawings [][]byte) ([]Row, error) {
	s.say(fmt.Sprintf("Rank of %d candidates, in turn with as many Compares", rankCandidates))
	files := func(round int) (query []byte, candidates [][]byte) {
		taken := drawings[round*(rankCandidates+1):]
		return taken[0], taken[1 : rankCandidates+1]
	}
	seconds, err := InTurn(rankRounds,
		Clocked(func(round int) error {
			query, candidates := files(round)
			return to.rank(ctx, query, candidates)
		}),
		Clocked(func(round int) error {
			query, candidates := files(round)
			for _, candidate := range candidates {
				if _, err := to.compare(ctx, query, candidate); err != nil {
					return err
				}
			}
			return nil
		}))
	if err != nil {
		return nil, err
	}
	ranked, compared := seconds[0], seconds[1]
	return []Row{
		Figure("Rank 1:64, nothing kept", Median(ranked), "s"),
		Figure("64 Compares of the same, nothing kept", Median(compared), "s"),
		AtMost("Rank 1:64 to 64 Compares, nothing kept", MedianRatio(ranked, compared), "×", rankBar),
	}, nil
}

// cachedRankRows time a Rank of candidates whose embeddings the server has kept,
// with a new query each time, in turn with an encode in this process.
func (s Speed) cachedRankRows(ctx context.Context, drawings [][]byte) (rows []Row, err error) {
	s.say("Rank with its candidates' embeddings kept, in turn with encodes in this process")
	server, err := StartServer(ctx, s.Caching)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	connection, err := client.New(server.address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	to := target{connection}
	candidates, queries := drawings[:rankCandidates], drawings[rankCandidates:]
	seconds, err := InTurn(cachedRankRuns, // from round 0 on the candidates are kept
		Clocked(func(round int) error { return to.rank(ctx, queries[round], candidates) }),
		Clocked(func(round int) error { return s.images(queries)(ctx, round) }))
	if err != nil {
		return nil, err
	}
	ranked, encoded := seconds[0], seconds[1]
	return []Row{
		Figure("Rank 1:64, candidates kept", Median(ranked)*1e3, "ms"),
		AtMost("Rank 1:64, candidates kept, to an encode in process", MedianRatio(ranked, encoded), "×", cachedRankBar),
	}, nil
}

// speedRates are what a server and this process did in a second, index i of both
// right after each other.
type speedRates struct {
	server, here []float64
}

// InTurn measures the server under load and the same work in this process, one
// after the other in this goroutine, for some rounds.
func (s Speed) inTurn(ctx context.Context, config load.Config, here load.Call) (speedRates, error) {
	var rates speedRates
	config.WarmUp, config.Duration = speedWarmUp, speedSpan
	number := 0
	for range speedRounds {
		begin := time.Now()
		first := number
		for ; time.Since(begin) < speedSpan; number++ {
			if err := here(ctx, number); err != nil {
				return speedRates{}, err
			}
		}
		rates.here = append(rates.here, float64(number-first)/time.Since(begin).Seconds())
		report, err := load.Run(ctx, config)
		if err == nil {
			err = report.FirstFailure
		}
		if err != nil {
			return speedRates{}, err
		}
		rates.server = append(rates.server, report.Throughput())
	}
	return rates, nil
}

// served is the server's rate, the median of the rounds.
func (r speedRates) served() float64 { return Median(r.server) }

// rows are the two rates and their ratio, which has a bar.
func (r speedRates) rows(name, unit string, bar float64) []Row {
	return []Row{
		Figure(name+", rate", r.served(), unit+"/s"),
		Figure(name+", decoded and encoded in process", Median(r.here), unit+"/s"),
		AtLeast(fmt.Sprintf("%s, to in process", name), MedianRatio(r.server, r.here), "×", bar),
	}
}
