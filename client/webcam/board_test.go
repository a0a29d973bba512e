package webcam

import (
	"errors"
	"math"
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
	if b.dropped != 1 || b.scored.perSecond(time.Unix(1000, 0)) != 0 {
		t.Errorf("dropped %d, want 1 and no score", b.dropped)
	}
}

// twoModels is a server of two that has "auto" as its default.
var twoModels = client.ServerInfo{
	Model: client.ModelInfo{Name: "siamese-general", ServingName: "general", Title: "Pictures", Knows: "Photographs.", Threshold: 0.5},
	Models: []client.ModelInfo{
		{Name: "siamese-general", ServingName: "general", Title: "Pictures", Threshold: 0.5},
		{Name: "siamese-omniglot", ServingName: "omniglot", Threshold: 0.75},
	},
	DefaultModel: "auto", AutoModels: []string{"general", "omniglot"},
}

func TestModelsAreNamedForPeople(t *testing.T) {
	tests := []struct {
		name                 string
		give                 client.ServerInfo
		asked                string
		wantTitle, wantKnows string
	}{
		{"the default is auto", twoModels, "", "automatic", "The model that knows the pictures best answers: Pictures or omniglot."},
		{"by name", twoModels, "general", "Pictures", "Photographs."},
		{"by version", twoModels, "general/1", "Pictures", "Photographs."},
		{"old server", client.ServerInfo{Model: client.ModelInfo{Name: "model"}}, "", "model", ""},
		{"before it tells", client.ServerInfo{}, "", "", ""},
	}
	for _, tt := range tests {
		title, knows := newModels(tt.give, tt.asked).chosen()
		if title != tt.wantTitle || knows != tt.wantKnows {
			t.Errorf("%s: %q, %q, want %q, %q", tt.name, title, knows, tt.wantTitle, tt.wantKnows)
		}
	}
}

func TestBoardDoubtsWhatIsForeign(t *testing.T) {
	strange, known := &client.Familiarity{Foreign: true}, &client.Familiarity{Value: 0.5}
	tests := []struct {
		name string
		give client.Result
		set  client.ReferenceSet
		want string
	}{
		{"all known", client.Result{Familiarity: known}, client.ReferenceSet{Name: "a", Familiarity: known}, ""},
		{"not told", client.Result{}, client.ReferenceSet{Name: "a"}, ""},
		{"the picture", client.Result{Familiarity: strange, Warning: "It is strange."}, client.ReferenceSet{Name: "a", Warning: "So is it."}, "It is strange."},
		{"the picture, in no words", client.Result{Familiarity: strange}, client.ReferenceSet{}, "The picture is foreign to the model: the similarity means little."},
		{"the reference", client.Result{Familiarity: known}, client.ReferenceSet{Name: "a", Warning: "It is strange."}, "a: It is strange."},
		{"the reference to the model that answered", client.Result{Scores: []client.Score{{Foreign: true}}}, client.ReferenceSet{Name: "a"}, "The picture or a is foreign to the model: the similarity means little."},
	}
	for _, tt := range tests {
		b := newBoard([]client.Reference{{Name: "a"}}, time.Unix(1000, 0))
		b.referenceSet(tt.set)
		if tt.give.Scores == nil {
			tt.give.Scores = []client.Score{{}}
		}
		tt.give.Scores[0].Reference, tt.give.Scores[0].Same = "a", true
		if got := b.result(tt.give)[0].Doubt; got != tt.want {
			t.Errorf("%s: doubt %q, want %q", tt.name, got, tt.want)
		}
	}
}

// With "auto" a verdict is by the threshold of the model that answered, unless the
// user set one.
func TestBoardHasTheThresholdOfTheModelThatAnswered(t *testing.T) {
	tests := []struct {
		model  string
		stream float32
		want   float64
	}{
		{"siamese-general", 0.5, 0.5}, {"siamese-omniglot", 0.5, 0.75}, {"siamese-omniglot", 0.25, 0.25}, {"unknown", 0.5, 0.5},
	}
	for _, tt := range tests {
		b := newBoard([]client.Reference{{Name: "a"}}, time.Unix(1000, 0))
		b.models = newModels(twoModels, "")
		b.connection(client.State{Phase: client.Streaming, Model: "siamese-general", Threshold: tt.stream})
		got := b.result(client.Result{Threshold: tt.stream, Scores: []client.Score{{Reference: "a", Model: tt.model}}})[0]
		if got.Threshold != tt.want || got.Model != tt.model {
			t.Errorf("%s on a stream with threshold %v: %v by %s, want %v", tt.model, tt.stream, got.Threshold, got.Model, tt.want)
		}
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
		{client.State{Phase: client.Waiting, Since: begin.Add(3 * time.Second), RetryIn: 2500 * time.Millisecond, Err: &client.Error{Reason: "MODEL_NOT_FOUND", Message: "no such"}}, 4 * time.Second, "model not served, again in 2 s: MODEL_NOT_FOUND: no such", false, time.Second},
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

func TestHistorySmoothes(t *testing.T) {
	var h history
	at := time.Unix(1000, 0)
	if got := h.add(at, 0.2); got != 0.2 {
		t.Errorf("first smoothed score = %v, want the score itself, 0.2", got)
	}
	// After one time constant 1 - 1/e of a step is done.
	if got, want := h.add(at.Add(smoothing), 1.2), 1.2-1/math.E; math.Abs(got-want) > 1e-12 {
		t.Errorf("smoothed score after a step of 1 = %v, want %v", got, want)
	}
	if got := h.add(at.Add(time.Minute), 0.5); got != 0.5 {
		t.Errorf("smoothed score after a minute = %v, want the score itself, 0.5", got)
	}
}

func TestHistoryForgets(t *testing.T) {
	var h history
	begin := time.Unix(1000, 0)
	for i := range 100 {
		h.add(begin.Add(time.Duration(i)*100*time.Millisecond), 0.5)
	}
	last := begin.Add(9900 * time.Millisecond)
	if got := len(h.since(last)); got != 21 {
		t.Errorf("%d samples of the last two seconds at 10/s, want 21", got)
	}
	if got := len(h.since(last.Add(historySpan + 1))); got != 0 {
		t.Errorf("%d samples two seconds after the last, want none", got)
	}
	for range 10 * maxHistory {
		h.add(last, 0.5)
	}
	if got := len(h.samples); got > maxHistory+1 {
		t.Errorf("%d samples at one moment, want at most %d", got, maxHistory+1)
	}
}

func TestRate(t *testing.T) {
	var r rate
	begin := time.Unix(1000, 0)
	for i := range 60 {
		r.add(begin.Add(time.Duration(i) * time.Second / 30))
	}
	now := begin.Add(59 * time.Second / 30)
	if got := r.perSecond(now); got != 30 {
		t.Errorf("rate of 30/s = %v, want 30", got)
	}
	if got := r.perSecond(now.Add(2 * time.Second)); got != 0 {
		t.Errorf("rate two seconds later = %v, want 0", got)
	}
}

func TestRecordingKeepsTheRate(t *testing.T) {
	tests := []struct {
		name   string
		giveMs []int
		want   []int // pictures in the file after each
	}{
		{"in time", []int{0, 100, 200, 300}, []int{1, 2, 3, 4}},
		{"jitter", []int{0, 140, 160, 330}, []int{1, 2, 3, 4}},
		{"half the rate", []int{0, 200, 400}, []int{1, 3, 5}},
		{"twice the rate", []int{0, 51, 100, 149, 200}, []int{1, 2, 2, 2, 3}},
		{"after a pause", []int{0, 100, 60_000, 60_100}, []int{1, 2, 3, 4}},
	}
	for _, tt := range tests {
		count := &countingRecorder{}
		r := recording{recorder: count, perSecond: 10}
		for i, ms := range tt.giveMs {
			if err := r.write(nil, time.Unix(1000, 0).Add(time.Duration(ms)*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if count.written != tt.want[i] {
				t.Errorf("%s: %d pictures at %d ms, want %d", tt.name, count.written, ms, tt.want[i])
			}
		}
	}
}

type countingRecorder struct{ written int }

func (c *countingRecorder) Write(Picture) error { c.written++; return nil }
func (c *countingRecorder) Close() error        { return nil }
