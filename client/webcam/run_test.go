package webcam_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/client/webcam"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// still is a picture that knows its size and whether it is open.
type still struct {
	size   image.Point
	number int
	open   *counter
}

func (s *still) Size() image.Point { return s.size }

func (s *still) Encode(region image.Rectangle, encoding webcam.Encoding) ([]byte, error) {
	return fmt.Appendf(nil, "picture %d, %v, quality %d", s.number, region, encoding.JPEGQuality), nil
}

func (s *still) Close() error {
	s.open.add(-1)
	return nil
}

type counter struct {
	mutex sync.Mutex
	count int
}

func (c *counter) add(n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.count += n
}

// film is a source of count pictures; err, or EOF, comes after them.
type film struct {
	count  int
	rate   float64
	wait   time.Duration // of a camera: between pictures
	err    error
	read   int
	open   counter
	closed *int
}

func (f *film) Read() (webcam.Picture, error) {
	if f.wait > 0 {
		time.Sleep(f.wait)
	}
	if f.read == f.count {
		if f.err != nil {
			return nil, f.err
		}
		return nil, io.EOF
	}
	f.read++
	f.open.add(1)
	return &still{size: image.Pt(640, 480), number: f.read, open: &f.open}, nil
}

func (f *film) Rate() float64 { return f.rate }

func (f *film) Close() error {
	if f.closed != nil {
		*f.closed++
	}
	return nil
}

// fakeScorer is a Scorer that answers each frame after a while, one at a time.
type fakeScorer struct {
	updates    chan client.Update
	strange    bool // frames are foreign
	offered    []client.Frame
	references []client.Reference
	takes      time.Duration // 0: at once; < 0: never
	mutex      sync.Mutex
	stats      client.Stats
}

func newFakeScorer(takes time.Duration) *fakeScorer {
	j := &fakeScorer{updates: make(chan client.Update, 1024), takes: takes}
	j.state(client.State{Phase: client.Streaming, Since: time.Now(), Model: "model", Threshold: 0.5})
	return j
}

func (j *fakeScorer) state(state client.State) { j.updates <- client.Update{State: &state} }

func (j *fakeScorer) Offer(frame client.Frame) {
	j.offered = append(j.offered, frame)
	if j.takes < 0 {
		return
	}
	received := frame.Captured.Add(j.takes)
	j.mutex.Lock()
	j.stats.Scored++
	j.mutex.Unlock()
	result := &client.Result{
		FrameID: frame.ID, Captured: frame.Captured, Received: received, Threshold: 0.5,
		Scores: []client.Score{{Reference: "a", Similarity: 0.75, Same: true, Model: "model"}, {Reference: "b", Similarity: 0.25, Model: "model"}},
	}
	if j.strange {
		result.Familiarity, result.Warning = &client.Familiarity{Foreign: true}, "The picture is foreign to Pictures: the number means little."
	}
	j.updates <- client.Update{Result: result}
}

func (j *fakeScorer) SetReference(reference client.Reference) error {
	j.references = append(j.references, reference)
	return nil
}

func (j *fakeScorer) Updates() <-chan client.Update { return j.updates }

func (j *fakeScorer) Stats() client.Stats {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.stats
}

// diary keeps what was reported.
type diary struct{ entries []webcam.Entry }

func (d *diary) Report(entry webcam.Entry) error {
	d.entries = append(d.entries, entry)
	return nil
}

func (d *diary) count(kind string) int {
	n := 0
	for _, entry := range d.entries {
		if entry.Type == kind {
			n++
		}
	}
	return n
}

func (d *diary) totals() webcam.Totals { return *d.entries[len(d.entries)-1].Totals }

// studio is painter, screen and recorder.
type studio struct {
	open       counter
	drawings   []webcam.Drawing
	shown      int
	recorded   int
	thumbnails []string // as they were set
	closed     bool
	takes      time.Duration          // to show one
	events     map[int][]webcam.Event // by the number of pictures shown before them
}

func (s *studio) Paint(_ webcam.Picture, drawing webcam.Drawing) (webcam.Picture, error) {
	s.drawings = append(s.drawings, drawing)
	s.open.add(1)
	return &still{size: drawing.Canvas, open: &s.open}, nil
}

func (s *studio) SetThumbnail(name string, encoded []byte) {
	s.thumbnails = append(s.thumbnails, name+": "+string(encoded))
}

func (s *studio) Show(webcam.Picture) error {
	time.Sleep(s.takes)
	s.shown++
	return nil
}

func (s *studio) Poll() []webcam.Event {
	events := s.events[s.shown]
	delete(s.events, s.shown)
	return events
}

func (s *studio) Write(webcam.Picture) error { s.recorded++; return nil }

func (s *studio) Close() error { s.closed = true; return nil }

// words are all texts of the last drawing.
func (s *studio) words() string {
	var texts []string
	for _, shape := range s.drawings[len(s.drawings)-1].Shapes {
		texts = append(texts, shape.Text)
	}
	return strings.Join(texts, "|")
}

var twoReferences = []client.Reference{{Name: "a", Image: []byte("a")}, {Name: "b", Image: []byte("b")}}

func TestFileIsPlayedAtItsOwnRateToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, scores, notes, video := &film{count: 90, rate: 30}, newFakeScorer(50*time.Millisecond), &diary{}, &studio{}
		begin := time.Now()
		err := webcam.Run(t.Context(), webcam.Config{
			Source: source, Scorer: scores, Reporters: []webcam.Reporter{notes}, References: twoReferences,
			Painter: video, Record: func(size image.Point, perSecond float64) (webcam.Recorder, error) {
				if size != image.Pt(640, 480) || perSecond != 30 {
					t.Errorf("recording of %v at %v, want 640x480 at 30", size, perSecond)
				}
				return video, nil
			},
			Encoding: webcam.Encoding{JPEGQuality: 90},
		})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 2900*time.Millisecond || took > 3100*time.Millisecond {
			t.Errorf("90 pictures at 30/s took %v, want 3 s", took)
		}
		got := notes.totals()
		if got.Read != 90 || got.Shown != 90 || got.Scored != 90 || notes.count("score") != 90 || notes.count("end") != 1 {
			t.Errorf("totals %+v with %d scores, want 90 read, shown and scored", got, notes.count("score"))
		}
		if video.recorded != 90 || !video.closed {
			t.Errorf("recorded %d pictures, file closed: %t, want 90 and true", video.recorded, video.closed)
		}
		if source.open.count != 0 || video.open.count != 0 {
			t.Errorf("%d pictures and %d canvases are still open, want none", source.open.count, video.open.count)
		}
	})
}

func TestNoServerDoesNotHoldUpTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, scores, screen := &film{count: 60, rate: 30}, newFakeScorer(-1), &studio{}
		scores.state(client.State{Phase: client.Waiting, Since: time.Now(), RetryIn: 90 * time.Second, Err: errors.New("refused")})
		notes := &diary{}
		err := webcam.Run(t.Context(), webcam.Config{
			Source: source, Scorer: scores, Painter: screen, Screen: screen, References: twoReferences, Reporters: []webcam.Reporter{notes},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := notes.totals(); got.Shown != 60 || len(scores.offered) != 60 {
			t.Errorf("%d pictures shown and %d offered, want 60 of each", got.Shown, len(scores.offered))
		}
		if got, want := screen.words(), "server away, again in 8"; !strings.Contains(got, want) {
			t.Errorf("the screen says %q, want %q in it", got, want)
		}
	})
}

// The model is told at the start, and what is foreign to it instead of a bare verdict.
func TestForeignPicturesAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scores, screen, notes := newFakeScorer(0), &studio{}, &diary{}
		scores.strange = true
		scores.updates <- client.Update{ReferenceSet: &client.ReferenceSet{Name: "a", Familiarity: &client.Familiarity{Value: 0.5}}}
		scores.updates <- client.Update{ReferenceSet: &client.ReferenceSet{Name: "b", Familiarity: &client.Familiarity{Foreign: true}, Warning: "It is foreign."}}
		err := webcam.Run(t.Context(), webcam.Config{
			Source: &film{count: 60, rate: 30}, Scorer: scores, Painter: screen, Screen: screen, References: twoReferences, Reporters: []webcam.Reporter{notes},
			Model: "general", ServerInfo: func(_ context.Context, model string) (client.ServerInfo, error) {
				if model != "general" {
					t.Errorf("the server is asked about model %q, want general", model)
				}
				return client.ServerInfo{Model: client.ModelInfo{Name: "model", Title: "Pictures", Knows: "Photographs of things."}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := notes.count("model"); got != 1 {
			t.Errorf("the model is told of %d times, want once", got)
		}
		for _, entry := range notes.entries {
			switch {
			case entry.Type == "model" && (entry.Model != "general" || entry.Title != "Pictures" || entry.Knows != "Photographs of things."),
				entry.Type == "reference" && (entry.Reference != "b" || entry.Warning != "It is foreign."),
				entry.Type == "score" && (entry.Warning == "" || !entry.Familiarity.Foreign || entry.Scores[0].Model != ""):
				t.Errorf("entry %+v, want the model, that b is foreign, and that each picture is", entry)
			}
		}
		if got := notes.count("reference"); got != 1 {
			t.Errorf("%d references are told to be foreign, want one", got)
		}
		for _, want := range []string{"connected, Pictures", "0.75 same?", "The picture is foreign to Pictures: the number means little."} {
			if got := screen.words(); !strings.Contains(got, want) {
				t.Errorf("the screen says %q, want %q in it", got, want)
			}
		}
	})
}

// A server that does not tell of its models holds up nothing, not even the end.
func TestModelsAreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := &diary{}
		err := webcam.Run(t.Context(), webcam.Config{
			Source: &film{count: 30, rate: 30}, Scorer: newFakeScorer(0), References: twoReferences, Reporters: []webcam.Reporter{notes},
			ServerInfo: func(ctx context.Context, _ string) (client.ServerInfo, error) {
				<-ctx.Done()
				return client.ServerInfo{}, ctx.Err()
			},
		})
		if got := notes.totals(); err != nil || got.Shown != 30 || notes.count("model") != 0 {
			t.Errorf("Run = %v with %+v, want 30 pictures shown and no model told", err, got)
		}
	})
}

func TestSlowScreenShowsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, scores, screen, notes := &film{count: 90, rate: 30}, newFakeScorer(0), &studio{takes: 150 * time.Millisecond}, &diary{}
		err := webcam.Run(t.Context(), webcam.Config{
			Source: source, Scorer: scores, Painter: screen, Screen: screen, References: twoReferences, Reporters: []webcam.Reporter{notes},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := notes.totals()
		if got.Read != 90 || got.Shown+got.Dropped != 90 || got.Dropped < 60 {
			t.Errorf("totals %+v, want 90 read, most of them dropped and the others shown", got)
		}
		if last := scores.offered[len(scores.offered)-1].ID; last != 90 {
			t.Errorf("the last frame offered is %d, want the newest, 90", last)
		}
		if source.open.count != 0 {
			t.Errorf("%d pictures are still open, want none", source.open.count)
		}
	})
}

func TestPausedFileGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// While paused the screen is drawn again each 100 ms: the 15th is a second on.
		screen := &studio{events: map[int][]webcam.Event{5: {{Key: 'p'}}, 15: {{Key: 'p'}}}}
		notes := &diary{}
		begin := time.Now()
		err := webcam.Run(t.Context(), webcam.Config{
			Source: &film{count: 30, rate: 30}, Scorer: newFakeScorer(0), Painter: screen, Screen: screen, Reporters: []webcam.Reporter{notes},
		})
		if err != nil {
			t.Fatal(err)
		}
		// One picture can be on its way as the pause begins.
		if got, took := notes.totals(), time.Since(begin); got.Shown < 29 || took < 1800*time.Millisecond || took > 2500*time.Millisecond {
			t.Errorf("%d of 30 pictures shown in %v, want at least 29 in about 2 s", got.Shown, took)
		}
	})
}

func TestServerNeverThere(t *testing.T) {
	refused := errors.New("connection refused")
	tests := []struct {
		name        string
		giveTimeout time.Duration
		giveCount   int
		want        string
		wantAfter   time.Duration
	}{
		{"connect timeout", 2 * time.Second, 300, "no server for 2s: connection refused", 2 * time.Second},
		{"end of the source", 0, 30, "the source has ended and no server was there: connection refused", 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				scores := &fakeScorer{updates: make(chan client.Update, 8), takes: -1}
				scores.state(client.State{Phase: client.Waiting, Since: time.Now(), RetryIn: time.Second, Err: refused})
				begin := time.Now()
				err := webcam.Run(t.Context(), webcam.Config{
					Source: &film{count: tt.giveCount, rate: 30}, Scorer: scores, References: twoReferences, ConnectTimeout: tt.giveTimeout,
				})
				if err == nil || err.Error() != tt.want || !errors.Is(err, refused) {
					t.Errorf("Run = %v, want %q", err, tt.want)
				}
				if took := time.Since(begin); took < tt.wantAfter || took > tt.wantAfter+100*time.Millisecond {
					t.Errorf("Run took %v, want about %v", took, tt.wantAfter)
				}
			})
		})
	}
}

func TestEndings(t *testing.T) {
	lost := errors.New("camera 0: no more pictures came from it")
	tests := []struct {
		name       string
		give       webcam.Config
		giveUpdate client.Update
		want       string
	}{
		{"camera lost", webcam.Config{Source: &film{count: 3, wait: time.Millisecond, err: lost}}, client.Update{}, lost.Error()},
		{"no picture", webcam.Config{Source: &film{}}, client.Update{}, "the source has ended without a single picture"},
		{"region outside", webcam.Config{
			Source: &film{count: 3}, Region: webcam.Region{Rectangle: image.Rect(600, 0, 700, 100)},
		}, client.Update{}, "bad region 600,0,100,100: it reaches outside the picture of 640x480 pixels"},
		{"unreadable reference", webcam.Config{Source: &film{count: 300, rate: 30}, References: twoReferences},
			client.Update{ReferenceError: &client.ReferenceError{
				Name: "b", Err: &client.Error{Code: codes.InvalidArgument, Reason: "IMAGE_UNDECODABLE", Message: "no image"},
			}},
			`reference "b": IMAGE_UNDECODABLE: no image`},
		{"no scorer", webcam.Config{}, client.Update{}, "webcam: received no Config.Source, expected one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				scores := newFakeScorer(0)
				scores.updates <- tt.giveUpdate
				tt.give.Scorer = scores
				if err := webcam.Run(t.Context(), tt.give); err == nil || err.Error() != tt.want {
					t.Errorf("Run = %v, want %q", err, tt.want)
				}
			})
		})
	}
}

func TestUserQuits(t *testing.T) {
	for _, event := range []webcam.Event{{Key: 'q'}, {Key: 27}, {Closed: true}} {
		synctest.Test(t, func(t *testing.T) {
			source, screen := &film{count: 1 << 30, rate: 30}, &studio{events: map[int][]webcam.Event{5: {event}}}
			err := webcam.Run(t.Context(), webcam.Config{Source: source, Scorer: newFakeScorer(0), Painter: screen, Screen: screen})
			if err != nil || screen.shown != 5 {
				t.Errorf("Run = %v after %d pictures, want nil after 5", err, screen.shown)
			}
			if source.open.count != 0 || screen.open.count != 0 {
				t.Errorf("%d pictures and %d canvases are still open, want none", source.open.count, screen.open.count)
			}
		})
	}
}

func TestKeysAndMouse(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		scores := newFakeScorer(0)
		screen := &studio{events: map[int][]webcam.Event{
			2: {{Drag: image.Rect(100, 100, 300, 200)}},
			3: {{Drag: image.Rect(100, 100, 310, 220), DragEnded: true}, {Key: 'r'}},
			5: {{Key: 'n'}, {Key: 's'}},
			6: {{Drag: image.Rect(5, 5, 6, 6), DragEnded: true}}, // a click
			8: {{Key: 'c'}},
			9: {{Key: 'p'}},
		}}
		err := webcam.Run(t.Context(), webcam.Config{
			Source: &film{count: 12, wait: 33 * time.Millisecond}, Scorer: scores, Painter: screen, Screen: screen,
			References: twoReferences, Snapshots: folder,
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []client.Reference{{Name: "taken 1", Image: []byte("picture 3, (100,100)-(310,220), quality 0")}}
		if diff := cmp.Diff(want, scores.references); diff != "" {
			t.Errorf("references taken (-want +got):\n%s", diff)
		}
		if got, want := string(scores.offered[3].Image), "picture 4, (100,100)-(310,220), quality 0"; got != want {
			t.Errorf("the frame after the drag is %q, want %q", got, want)
		}
		if got, want := string(scores.offered[len(scores.offered)-1].Image), "picture 9, (0,0)-(640,480), quality 0"; got != want {
			t.Errorf("the last frame before the pause is %q, want %q", got, want)
		}
		if files, err := filepath.Glob(filepath.Join(folder, "siamese-webcam-*.png")); err != nil || len(files) != 1 {
			t.Errorf("snapshots: %v, %v, want one", files, err)
		}
		if got := screen.words(); !strings.Contains(got, "paused") || !strings.Contains(got, "a, chosen from 3") {
			t.Errorf("the screen says %q, want it paused, with reference a chosen from 3", got)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		notes := &diary{}
		err := webcam.Run(ctx, webcam.Config{Source: &film{count: 1 << 30, rate: 30}, Scorer: newFakeScorer(0), Reporters: []webcam.Reporter{notes}})
		if got := notes.totals().Shown; err != nil || got < 29 || got > 31 {
			t.Errorf("Run = %v after %d pictures, want nil after a second of 30", err, got)
		}
	})
}
