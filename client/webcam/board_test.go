package webcam

import (
	"errors"
	"testing"
	"time"

	"siamese/client"
)

func TestBoardShowsTheBestOrTheChosen(t *testing.T) {
	begin := time.Unix(1000, 0)
	b := newBoard([]client.Reference{{Name: "a"}, {Name: "b"}}, begin)
	if got := b.shown(begin); got != nil {
		t.Errorf("shown before any score = %v, want none", got)
	}
	b.result(client.Result{FrameID: 1, Captured: begin, Received: begin.Add(80 * time.Millisecond), Threshold: 0.5, Scores: []client.Score{
		{Reference: "a", Similarity: 0.25}, {Reference: "b", Similarity: 0.75, Same: true}, {Reference: "gone", Similarity: 1},
	}})
	now := begin.Add(100 * time.Millisecond)
	var got []string
	for range 4 {
		got = append(got, b.shown(now).Reference)
		b.next()
	}
	if want := [4]string{"b", "a", "b", "b"}; [4]string(got) != want {
		t.Errorf("shown with 'next' between = %v, want best, first, second, best: %v", got, want)
	}
	if b.lag != 80*time.Millisecond || b.shown(now).stale || !b.shown(now.Add(2*time.Second)).stale {
		t.Errorf("lag %v, stale now %t, stale later %t, want 80ms, false, true", b.lag, b.shown(now).stale, b.shown(now.Add(2*time.Second)).stale)
	}
	b.dropReference("b")
	if got := b.shown(now); got == nil || got.Reference != "a" {
		t.Errorf("shown after b was dropped = %v, want a", got)
	}
}

func TestBoardCountsWhatIsNoScore(t *testing.T) {
	b := newBoard(nil, time.Unix(1000, 0))
	b.result(client.Result{Dropped: true})
	b.result(client.Result{Err: &client.Error{}})
	if b.dropped != 1 || b.failed != 1 || b.scored.perSecond(time.Unix(1000, 0)) != 0 {
		t.Errorf("dropped %d, failed %d, want 1 of each and no score", b.dropped, b.failed)
	}
}

func TestBoardTellsTheConnection(t *testing.T) {
	begin := time.Unix(1000, 0)
	b := newBoard(nil, begin)
	steps := []struct {
		give     client.State
		after    time.Duration
		want     string
		wantWell bool
		wantAway time.Duration
	}{
		{client.State{Phase: client.Connecting, Since: begin}, time.Second, "connecting", false, time.Second},
		{client.State{Phase: client.Streaming, Since: begin.Add(time.Second), Model: "m"}, time.Second, "connected, m", true, 0},
		{client.State{Phase: client.Draining, Since: begin.Add(2 * time.Second)}, 2 * time.Second, "server is stopping", false, 0},
		{client.State{Phase: client.Waiting, Since: begin.Add(3 * time.Second), RetryIn: 2500 * time.Millisecond, Err: errors.New("gone")}, 4 * time.Second, "server away, again in 2 s: gone", false, time.Second},
		{client.State{Phase: client.Connecting, Since: begin.Add(5 * time.Second)}, 5 * time.Second, "server away, trying again", false, 2 * time.Second},
		{client.State{Phase: client.Closed, Since: begin.Add(6 * time.Second)}, 6 * time.Second, "closed", false, 3 * time.Second},
	}
	for _, step := range steps {
		b.connection(step.give)
		now := begin.Add(step.after)
		got, well := b.link(now)
		if got != step.want || well != step.wantWell || b.awayFor(now) != step.wantAway {
			t.Errorf("%v: link %q, %t, away for %v, want %q, %t, %v", step.give.Phase, got, well, b.awayFor(now), step.want, step.wantWell, step.wantAway)
		}
	}
}
