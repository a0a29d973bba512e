package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Live measures the live loop: the webcam client, a process of its own, has a
// film scored by a server process, in turn with encoding in this process.
type Live struct {
	// Serving says what is served. The film shows A, then B; A is the reference.
	// The server must keep no embeddings: the film is played more than once.
	Serving
	// Webcam is the program of cmd/siamese-webcam, built with OpenCV.
	Webcam string
}

// How much is measured, and the bars.
const (
	livePlays   = 3
	liveEncodes = 80 // before each play and after the last

	scoredBar       = 0.85 // of what could be scored
	shownBarPercent = 2    // off the film's rate
	lagBar          = 1    // times two encodes and a frame's interval
	clientBar       = 0.15 // of a core
)

// Run measures everything; it takes a minute.
func (l Live) Run(ctx context.Context) (rows []Row, err error) {
	dir, err := os.MkdirTemp("", "siamese-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rounds, err := l.measure(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("bench live: %w", err)
	}
	return rounds.rows(), nil
}

// measure plays the film against a server, which is idle while this process
// encodes. The film lies in dir.
func (l Live) measure(ctx context.Context, dir string) (rounds liveRounds, err error) {
	l.say(fmt.Sprintf("making a film of %d pictures", filmPictures))
	film, err := newFilm(l.A, l.B)
	if err != nil {
		return nil, err
	}
	player := webcamPlayer{program: l.Webcam, reference: filepath.Join(dir, "reference")}
	if err := os.WriteFile(player.reference, l.A, 0o600); err != nil {
		return nil, err
	}
	if player.source, err = film.write(dir); err != nil {
		return nil, err
	}
	server, err := StartServer(ctx, l.Command)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	player.server = server.address
	return l.playRounds(ctx, player)
}

// playRounds encodes and plays in turn, so that the machine's moods hit both.
func (l Live) playRounds(ctx context.Context, player webcamPlayer) (liveRounds, error) {
	before, err := l.encodeTimes(ctx)
	if err != nil {
		return nil, err
	}
	var rounds liveRounds
	for i := range livePlays {
		l.say(fmt.Sprintf("the webcam client, a film of %d s, play %d of %d", filmPictures/filmRate, i+1, livePlays))
		played, err := player.play(ctx)
		if err != nil {
			return nil, err
		}
		after, err := l.encodeTimes(ctx)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, newLiveRound(before, after, played))
		before = after
	}
	return rounds, nil
}

// encodeTimes is the seconds of encodes of one image, one after the other.
func (l Live) encodeTimes(ctx context.Context) ([]float64, error) {
	image, err := l.Prepare(l.A)
	if err != nil {
		return nil, err
	}
	return repeat(liveEncodes, func() error {
		_, err := l.Encoder.Encode(ctx, image)
		return err
	})
}

// liveRound is a play of the film with encodes in this process around it.
type liveRound struct {
	played
	encodesPerSec float64
}

// liveRounds were measured one after the other. Figures are medians of the
// rounds, and ratios are of one round each.
type liveRounds []liveRound

// newLiveRound makes a round of a play and of the seconds of encodes before and
// after it.
func newLiveRound(before, after []float64, played played) liveRound {
	encodes := slices.Concat(before, after)
	seconds := 0.0
	for _, each := range encodes {
		seconds += each
	}
	return liveRound{played: played, encodesPerSec: float64(len(encodes)) / seconds}
}

// scorable is the most frames a second that can be scored: no more than
// are encoded, and no more than there are.
func (r liveRound) scorable() float64 {
	return min(r.encodesPerSec, filmRate)
}

// lagBound is the lag in seconds of a frame that had to wait for an encode and
// was the newest one for as long as it could be.
func (r liveRound) lagBound() float64 {
	return 2/r.encodesPerSec + 1./filmRate
}

// rows are the figures of all rounds.
func (r liveRounds) rows() []Row {
	return []Row{
		Figure("live, encodes in process, rate", medianOf(r, func(l liveRound) float64 { return l.encodesPerSec }), "images/s"),
		Figure("live, frames scored, rate", medianOf(r, func(l liveRound) float64 { return l.scoredPerSec }), "frames/s"),
		AtLeast("live, frames scored to what could be (encodes in process, the film's rate)",
			medianOf(r, func(l liveRound) float64 { return l.scoredPerSec / l.scorable() }), "×", scoredBar),
		Figure("live, frames shown, rate", medianOf(r, func(l liveRound) float64 { return l.shownPerSec }), "frames/s"),
		AtMost("live, frames shown, off the film's rate",
			medianOf(r, func(l liveRound) float64 { return 100 * offBy(l.shownPerSec, filmRate) }), "%", shownBarPercent),
		Figure("live, lag, median", medianOf(r, func(l liveRound) float64 { return 1e3 * l.lagMedian }), "ms"),
		Figure("live, lag, 95 of 100", medianOf(r, func(l liveRound) float64 { return 1e3 * l.lagHigh }), "ms"),
		AtMost("live, lag, 95 of 100, to two encodes and a frame's interval",
			medianOf(r, func(l liveRound) float64 { return l.lagHigh / l.lagBound() }), "×", lagBar),
		AtMost("live, the client's CPU", medianOf(r, func(l liveRound) float64 { return l.cores }), "cores", clientBar),
	}
}

// offBy is how far a value is from what it should be, as a part of that.
func offBy(value, want float64) float64 {
	return max(value-want, want-value) / want
}
