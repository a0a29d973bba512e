package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"

	"siamese/client/webcam"
)

// webcamTimeout is how long the client goes on without a server.
const webcamTimeout = "10s"

// webcamPlayer has the webcam client play a film.
type webcamPlayer struct {
	program   string
	server    string // address
	source    string // file, of filmRate
	reference string // file
}

// played is what came of one play.
type played struct {
	scoredPerSec float64
	shownPerSec  float64
	lagMedian    float64 // seconds
	lagHigh      float64 // seconds, of the 95th of 100
	cores        float64 // CPU seconds a second, of the whole process from its start
}

// play plays the film once, to its end.
func (w webcamPlayer) play(ctx context.Context) (played, error) {
	command := exec.CommandContext(ctx, w.program, "--headless", "--server", w.server,
		"--reference", w.reference, "--source", w.source, "--connect-timeout", webcamTimeout)
	var out, log bytes.Buffer
	command.Stdout, command.Stderr = &out, &log
	EndWithParent(command)
	begin := time.Now()
	if err := command.Run(); err != nil {
		return played{}, fmt.Errorf("%s: %w: %s", w.program, err, &log)
	}
	seconds := time.Since(begin).Seconds()
	result, err := readPlayed(&out)
	if err != nil {
		return played{}, fmt.Errorf("%s: %w", w.program, err)
	}
	state := command.ProcessState
	result.cores = (state.UserTime() + state.SystemTime()).Seconds() / seconds
	return result, nil
}

// readPlayed makes figures of the client's JSON lines, all but its CPU.
func readPlayed(lines io.Reader) (played, error) {
	var totals *webcam.Totals
	var lags []float64
	var answers []time.Time
	decoder := json.NewDecoder(lines)
	for {
		var entry webcam.Entry
		err := decoder.Decode(&entry)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return played{}, err
		}
		if entry.Totals != nil {
			totals = entry.Totals
		}
		if entry.Type == "score" {
			lag := time.Duration(entry.LagMs * float64(time.Millisecond))
			lags = append(lags, lag.Seconds())
			answers = append(answers, entry.Time.Add(lag))
		}
	}
	switch {
	case totals == nil:
		return played{}, errors.New("received no totals, expected them at the end")
	case totals.Failed > 0 || totals.Reconnects > 0:
		return played{}, fmt.Errorf("received %d failed frames and %d reconnects, expected none", totals.Failed, totals.Reconnects)
	case len(answers) < 2:
		return played{}, fmt.Errorf("received %d scores, expected at least 2", len(answers))
	}
	slices.Sort(lags)
	// The time before the first answer is the connection's, not the loop's.
	span := answers[len(answers)-1].Sub(answers[0]).Seconds()
	return played{
		scoredPerSec: float64(len(answers)-1) / span,
		shownPerSec:  totals.ShownPerSecond,
		lagMedian:    Median(lags),
		lagHigh:      lags[(len(lags)*95-1)/100],
	}, nil
}
