package webcam

import (
	"fmt"
	"time"

	"siamese/client"
)

// staleAfter is when a score without a successor is shown as old.
const staleAfter = time.Second

// standing is how the newest scored picture compares with one reference.
type standing struct {
	Reference  string
	Similarity float64 // 0 to 1
	Smoothed   float64 // 0 to 1
	Threshold  float64 // 0 to 1
	Same       bool

	history history
	stale   bool
}

// board is what is known of references and server. One goroutine uses it.
type board struct {
	names     []string // in the order in which they came
	standings map[string]*standing
	chosen    string // empty: the best is shown

	state     client.State
	streamed  bool      // there was a stream once
	lastErr   error     // why there is none, as last told
	awaySince time.Time // since when there is none
	scoredAt  time.Time
	lag       time.Duration
	scored    rate
	dropped   int64 // by the server
	failed    int64
}

func newBoard(references []client.Reference, now time.Time) *board {
	b := &board{standings: make(map[string]*standing), awaySince: now}
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

// dropReference forgets a reference that the server did not take.
func (b *board) dropReference(name string) {
	delete(b.standings, name)
	for i, other := range b.names {
		if other == name {
			b.names = append(b.names[:i], b.names[i+1:]...)
			break
		}
	}
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
		b.failed++
		return nil
	}
	b.scored.add(result.Received)
	b.scoredAt, b.lag = result.Received, result.Received.Sub(result.Captured)
	changed := make([]standing, 0, len(result.Scores))
	for _, score := range result.Scores {
		s := b.standings[score.Reference]
		if s == nil {
			continue // dropped while the frame was under way
		}
		s.Similarity, s.Same, s.Threshold = float64(score.Similarity), score.Same, float64(result.Threshold)
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

// away says that frames are not answered.
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
	if b.chosen == "" && len(b.names) > 0 {
		b.chosen = b.names[0]
		return
	}
	for i, name := range b.names {
		if name == b.chosen && i+1 < len(b.names) {
			b.chosen = b.names[i+1]
			return
		}
	}
	b.chosen = ""
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

// link says how the connection is, for a person, and whether it is well.
func (b *board) link(now time.Time) (text string, well bool) {
	switch b.state.Phase {
	case client.Streaming:
		return "connected, " + b.state.Model, true
	case client.Draining:
		return "server is stopping", false
	case client.Waiting:
		left := max(0, b.state.Since.Add(b.state.RetryIn).Sub(now))
		text := fmt.Sprintf("server away, again in %d s", int(left.Seconds()+0.999))
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
