package webcam

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"siamese/client"
)

// staleAfter is when a score without a successor is shown as old.
const staleAfter = time.Second

// standing is how the newest scored picture compares with one reference, or with one
// thing of a gallery.
type standing struct {
	Reference  string  // its name, or the thing's of a gallery
	Entry      string  // the thing's in a gallery that is the most similar
	Similarity float64 // 0 to 1
	Smoothed   float64 // 0 to 1
	Threshold  float64 // 0 to 1
	Same       bool
	Model      string // the name of the model that answered
	Foreign    bool   // the reference is to the model
	Doubt      string // why the similarity means little; empty: nothing is foreign

	history history
	stale   bool
}

// board is what is known of references and server. One goroutine uses it.
type board struct {
	names     []string // in the order in which they came
	standings map[string]*standing
	warnings  map[string]string // what the server told of references that are foreign
	chosen    string            // empty: the best is shown
	gallery   *gallery          // that is searched; nil: there are references
	models    models

	state     client.State
	streamed  bool      // there was a stream once
	lastErr   error     // why there is none, as last told
	awaySince time.Time // since when there is none
	scoredAt  time.Time
	lag       time.Duration
	scored    rate
	dropped   int64 // by the server
}

func newBoard(references []client.Reference, now time.Time) *board {
	b := &board{standings: make(map[string]*standing), warnings: make(map[string]string), awaySince: now}
	for _, reference := range references {
		b.addReference(reference.Name)
	}
	return b
}

func (b *board) addReference(name string) {
	if b.standings[name] == nil {
		b.names = append(b.names, name)
	}
	b.standings[name] = &standing{Reference: name}
}

// referenceSet takes what the server told of a reference that it took.
func (b *board) referenceSet(set client.ReferenceSet) {
	b.warnings[set.Name] = set.Warning
}

// dropReference forgets a reference that the server did not take.
func (b *board) dropReference(name string) {
	delete(b.standings, name)
	delete(b.warnings, name)
	b.names = slices.DeleteFunc(b.names, func(other string) bool { return other == name })
	if b.chosen == name {
		b.chosen = ""
	}
}

// result takes what became of a frame and gives the standings that it changed,
// in the order of its scores.
func (b *board) result(result client.Result) []standing {
	switch {
	case result.Dropped:
		b.dropped++
		return nil
	case result.Err != nil:
		return nil
	}
	b.scored.add(result.Received)
	b.scoredAt, b.lag = result.Received, result.Received.Sub(result.Captured)
	if result.Found != nil {
		return b.found(result)
	}
	changed := make([]standing, 0, len(result.Scores))
	for _, score := range result.Scores {
		s := b.standings[score.Reference]
		if s == nil {
			continue // dropped while the frame was in flight
		}
		s.Similarity, s.Same = float64(score.Similarity), score.Same
		s.Threshold = float64(b.models.threshold(score, b.state, result.Threshold))
		s.Model, s.Foreign = score.Model, score.Foreign
		s.Doubt = doubtOf(result, score, b.warnings[score.Reference])
		s.Smoothed = s.history.add(result.Captured, s.Similarity)
		changed = append(changed, *s)
	}
	return changed
}

// connection takes a change of the stream's state.
func (b *board) connection(state client.State) {
	wasAway := b.away()
	b.state = state
	if state.Err != nil {
		b.lastErr = state.Err
	}
	if state.Phase == client.Streaming {
		b.streamed = true
	}
	if b.away() && !wasAway {
		b.awaySince = state.Since
	}
}

// away reports whether frames are not answered.
func (b *board) away() bool {
	return b.state.Phase != client.Streaming && b.state.Phase != client.Draining
}

// awayFor is how long there has been no stream.
func (b *board) awayFor(now time.Time) time.Duration {
	if !b.away() {
		return 0
	}
	return now.Sub(b.awaySince)
}

// next goes on from the best to the first reference, from there to the second,
// and from the last back to the best.
func (b *board) next() {
	following := slices.Index(b.names, b.chosen) + 1 // 0 after the best, which has no name
	if b.chosen = ""; following < len(b.names) {
		b.chosen = b.names[following]
	}
}

// shown is the chosen reference's standing, or the best one by the smoothed
// score, so that two of about the same score don't take turns. Nil: there is no
// score.
func (b *board) shown(now time.Time) *standing {
	var best *standing
	for _, name := range b.names {
		s := b.standings[name]
		if len(s.history.samples) == 0 || b.chosen != "" && name != b.chosen {
			continue
		}
		if best == nil || s.Smoothed > best.Smoothed {
			best = s
		}
	}
	if best == nil {
		return nil
	}
	shown := *best
	shown.stale = now.Sub(b.scoredAt) > staleAfter
	return &shown
}

// link returns how the connection is, for a person, and whether it is well.
func (b *board) link(now time.Time) (text string, well bool) {
	switch b.state.Phase {
	case client.Streaming:
		if g := b.gallery; g != nil {
			return fmt.Sprintf("connected, gallery %s (%d)", g.name, g.entries), true
		}
		title, _ := b.models.chosen()
		return "connected, " + cmp.Or(title, b.state.Model), true
	case client.Draining:
		return "server is stopping", false
	case client.Waiting:
		left := max(0, b.state.Since.Add(b.state.RetryIn).Sub(now))
		what := "server away"
		switch refused, ok := errors.AsType[*client.Error](b.state.Err); {
		case ok && refused.Reason == "MODEL_NOT_FOUND":
			what = "model not served"
		case ok && b.gallery != nil && isOfGallery(refused):
			what = "gallery away"
		}
		text := fmt.Sprintf("%s, again in %d s", what, int(left.Seconds()+0.999))
		if b.state.Err != nil {
			text += ": " + b.state.Err.Error()
		}
		return text, false
	case client.Closed:
		return "closed", false
	}
	if b.streamed {
		return "server away, trying again", false
	}
	return "connecting", false
}

const (
	// smoothing is the time constant of the smoothed score: a change is shown to
	// two thirds after it. Long enough for a steady number, short enough to follow
	// a hand.
	smoothing = 300 * time.Millisecond
	// historySpan is how much of the past the line shows.
	historySpan = 2 * time.Second
	// maxHistory bounds the samples of a span, against a clock that stands still.
	maxHistory = 512
)

// sample is a score as it was at a time.
type sample struct {
	at       time.Time
	smoothed float64 // 0 to 1
}

// history is one reference's scores of the last two seconds. The zero value is
// ready for use.
type history struct {
	samples []sample // oldest first
}

// add takes a similarity, 0 to 1, and gives the smoothed one. Scores further
// apart than historySpan don't smooth each other.
func (h *history) add(at time.Time, similarity float64) float64 {
	smoothed := similarity
	if n := len(h.samples); n > 0 {
		last := h.samples[n-1]
		if passed := at.Sub(last.at); passed < historySpan {
			weight := 1 - math.Exp(-max(passed, 0).Seconds()/smoothing.Seconds())
			smoothed = last.smoothed + weight*(similarity-last.smoothed)
		}
	}
	h.samples = append(h.samples, sample{at: at, smoothed: smoothed})
	h.forget(at)
	return smoothed
}

// forget drops what is older than historySpan, seen from a time.
func (h *history) forget(now time.Time) {
	h.samples = slices.Delete(h.samples, 0, max(0, len(h.samples)-maxHistory))
	h.samples = slices.DeleteFunc(h.samples, func(s sample) bool { return now.Sub(s.at) > historySpan })
}

// since gives the samples of the last two seconds, oldest first; they are valid
// until the next add.
func (h *history) since(now time.Time) []sample {
	for i, s := range h.samples {
		if now.Sub(s.at) <= historySpan {
			return h.samples[i:]
		}
	}
	return nil
}

// rateSpan is what a rate is counted over.
const rateSpan = time.Second

// maxRateEvents bounds what a rate remembers.
const maxRateEvents = 512

// rate counts events a second. The zero value is ready for use.
type rate struct {
	events []time.Time // of the last rateSpan, oldest first
}

func (r *rate) add(at time.Time) {
	r.events = append(r.events, at)
	r.forget(at)
}

// perSecond is the rate at a time.
func (r *rate) perSecond(now time.Time) float64 {
	r.forget(now)
	return float64(len(r.events)) / rateSpan.Seconds()
}

func (r *rate) forget(now time.Time) {
	r.events = slices.Delete(r.events, 0, max(0, len(r.events)-maxRateEvents))
	r.events = slices.DeleteFunc(r.events, func(at time.Time) bool { return now.Sub(at) >= rateSpan })
}
