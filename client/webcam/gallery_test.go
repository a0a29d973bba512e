package webcam_test

import (
	"context"
	"image"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/client/webcam"
)

// finder is a Scorer that finds things in each frame, at once.
type finder struct {
	updates chan client.Update
	found   client.Identification
	errs    []*client.Error     // of the first frames
	later   []client.ThingMatch // found from the 16th frame on; nil: the same as before
	offered int
	stats   client.Stats
}

func newFinder(told client.Gallery, matches ...client.ThingMatch) *finder {
	f := &finder{updates: make(chan client.Update, 1024)}
	f.found = client.Identification{Matches: matches, Threshold: 0.5, Model: "siamese-general", SearchedEntries: told.Entries}
	f.updates <- client.Update{Gallery: &told}
	f.state(client.State{Phase: client.Streaming, Since: time.Now(), Model: "siamese-general"})
	return f
}

func (f *finder) state(state client.State) { f.updates <- client.Update{State: &state} }

func (f *finder) Offer(frame client.Frame) {
	result := &client.Result{FrameID: frame.ID, Captured: frame.Captured, Received: frame.Captured.Add(50 * time.Millisecond)}
	if f.offered == 15 && f.later != nil {
		f.found.Matches = f.later
	}
	if f.offered++; f.offered <= len(f.errs) {
		result.Err = f.errs[f.offered-1]
	} else {
		found := f.found
		result.Found, result.Threshold = &found, found.Threshold
		result.Familiarity, result.Warning = found.Familiarity, found.Warning
		f.stats.Scored++
	}
	f.updates <- client.Update{Result: result}
}

func (f *finder) Updates() <-chan client.Update { return f.updates }

func (f *finder) Stats() client.Stats { return f.stats }

var pets = client.Gallery{Name: "pets", Model: "general", ModelName: "siamese-general", Entries: 7, KeepThumbnails: true}

func match(thing string, similarity float32) client.ThingMatch {
	return client.ThingMatch{Thing: thing, Entry: client.Entry{ID: thing + "/1.jpg", Thumbnail: []byte(thing)}, Similarity: similarity, Same: similarity >= 0.5}
}

// look runs a film of a second to its end.
func look(t *testing.T, f *finder, screen *studio, notes *diary) error {
	t.Helper()
	return webcam.Run(t.Context(), webcam.Config{
		Source: &film{count: 30, rate: 30}, Scorer: f, Gallery: "pets", Painter: screen, Screen: screen, Reporters: []webcam.Reporter{notes},
		Record: func(image.Point, float64) (webcam.Recorder, error) { return &studio{}, nil },
		ServerInfo: func(_ context.Context, model string) (client.ServerInfo, error) {
			return client.ServerInfo{Model: client.ModelInfo{Name: "siamese-" + model, Title: "Pictures of " + model}}, nil
		},
	})
}

func TestGalleryIsSearched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen, notes := &studio{events: map[int][]webcam.Event{5: {{Key: 'n'}, {Key: 'r'}}}}, &diary{}
		strange := match("dog", 0.25)
		strange.Entry.Familiarity = &client.Familiarity{Foreign: true}
		if err := look(t, newFinder(pets, match("cat", 0.75), strange), screen, notes); err != nil {
			t.Fatal(err)
		}
		for _, entry := range notes.entries {
			var want any
			switch entry.Type {
			case "gallery":
				if entry.Gallery != "pets" || entry.Model != "general" || *entry.Entries != 7 || entry.Warning != "" {
					t.Errorf("gallery is told as %+v, want pets with 7 entries of general", entry)
				}
			case "model":
				if entry.Model != "general" || entry.Title != "Pictures of general" {
					t.Errorf("the model is told as %+v, want the gallery's", entry)
				}
			case "score":
				want = []webcam.ScoreEntry{
					{Reference: "cat", Entry: "cat/1.jpg", Similarity: 0.75, Smoothed: 0.75, Same: true},
					{Reference: "dog", Entry: "dog/1.jpg", Similarity: 0.25, Smoothed: 0.25, Foreign: true},
				}
				if diff := cmp.Diff(want, any(entry.Scores)); diff != "" || entry.Threshold != 0.5 || entry.LagMs != 50 {
					t.Errorf("frame %d: threshold %v, lag %v ms, scores (-want +got):\n%s", entry.Frame, entry.Threshold, entry.LagMs, diff)
				}
			}
		}
		if notes.count("gallery") != 1 || notes.count("model") != 1 || notes.count("score") != 30 || notes.totals().Scored != 30 {
			t.Errorf("%d galleries, %d models, %d scores told, want 1, 1, 30", notes.count("gallery"), notes.count("model"), notes.count("score"))
		}
		for _, want := range []string{
			"|connected, gallery pets (7) - a gallery takes no references|",
			"|0.75 same|cat|", "|same from 0.50|", "|0.25|different?|dog|", "|p pause   s snapshot",
		} {
			if got := screen.words(); !strings.Contains(got, want) {
				t.Errorf("the screen says %q, want %q in it", got, want)
			}
		}
		if diff := cmp.Diff([]string{"cat: cat", "dog: dog"}, screen.thumbnails); diff != "" {
			t.Errorf("the painter is given thumbnails, once each (-want +got):\n%s", diff)
		}
	})
}

func TestGallerySaysWhyNothingIsFound(t *testing.T) {
	empty := `gallery "pets" is empty: siamese gallery enroll fills it`
	stale := `no entry of gallery "pets" can be found: siamese gallery reindex moves them to its model`
	tests := []struct {
		name        string
		give        client.Gallery
		searched    int
		want        string // on the screen
		wantWarning string // in the report
	}{
		{"empty", client.Gallery{Name: "pets"}, 0, empty, empty},
		{"of another model", client.Gallery{Name: "pets", Entries: 3, StaleEntries: 3}, 0, stale, stale},
		{"nothing as similar", pets, 7, `nothing in gallery "pets" is as similar`, ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			screen, notes, f := &studio{}, &diary{}, newFinder(tt.give)
			f.found.SearchedEntries = tt.searched
			if err := look(t, f, screen, notes); err != nil {
				t.Fatal(err)
			}
			if got := screen.words(); !strings.Contains(got, "|"+tt.want[:39]) {
				t.Errorf("%s: the screen says %q, want %q in it", tt.name, got, tt.want)
			}
			if got := notes.entries[0]; got.Type != "gallery" || got.Warning != tt.wantWarning {
				t.Errorf("%s: the gallery is told as %+v, want the warning %q", tt.name, got, tt.wantWarning)
			}
		})
	}
}

func TestGalleryWarnings(t *testing.T) {
	tests := []struct {
		name    string
		foreign bool
		warning string
		want    []string
	}{
		{"a foreign picture", true, "The picture is strange. Some are not searched.", []string{"|0.75 same?|", "|The picture is strange. Some are not searched."}},
		{"a foreign picture, in no words", true, "", []string{"|0.75 same?|", "|The picture is foreign to the model: the similarity means little."}},
		{"a part that is not searched", false, "Some are not searched.", []string{"|0.75 same|", "|Some are not searched."}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			screen, notes, f := &studio{}, &diary{}, newFinder(pets, match("cat", 0.75))
			f.found.Familiarity, f.found.Warning = &client.Familiarity{Foreign: tt.foreign}, tt.warning
			if err := look(t, f, screen, notes); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if got := screen.words(); !strings.Contains(got, want) {
					t.Errorf("%s: the screen says %q, want %q in it", tt.name, got, want)
				}
			}
			last := notes.entries[len(notes.entries)-2]
			if last.Type != "score" || last.Warning != tt.warning || last.Familiarity.Foreign != tt.foreign {
				t.Errorf("%s: the report says %+v, want the server's warning", tt.name, last)
			}
		})
	}
}

// What can't be mended by waiting ends the run at its beginning; a gallery that has
// answered is waited for.
func TestGalleryThatCannotBeUsed(t *testing.T) {
	tests := []struct {
		give     client.Error
		wantEnds bool
	}{
		{client.Error{Code: codes.NotFound, Reason: "GALLERY_NOT_FOUND", Message: "m"}, true},
		{client.Error{Code: codes.NotFound, Reason: "MODEL_NOT_FOUND", Message: "m"}, true},
		{client.Error{Code: codes.PermissionDenied, Reason: "GALLERY_DENIED", Message: "m"}, true},
		{client.Error{Code: codes.FailedPrecondition, Reason: "GALLERY_MODEL_CHANGED", Message: "m"}, true},
		{client.Error{Code: codes.Unimplemented, Reason: "GALLERIES_OFF", Message: "m"}, true},
		{client.Error{Code: codes.InvalidArgument, Reason: "ENTRY_METADATA", Message: "m"}, true},
		{client.Error{Code: codes.Unavailable, Reason: "GALLERY_UNAVAILABLE", Message: "m"}, false},
		{client.Error{Code: codes.Unavailable, Message: "m"}, false},
	}
	for _, answered := range []bool{false, true} {
		for _, tt := range tests {
			synctest.Test(t, func(t *testing.T) {
				f := newFinder(pets, match("cat", 0.75))
				if !answered {
					for range 60 {
						f.errs = append(f.errs, &tt.give)
					}
				}
				begin := time.Now()
				time.AfterFunc(500*time.Millisecond, func() {
					f.state(client.State{Phase: client.Waiting, Since: time.Now(), Err: &tt.give, RetryIn: 5 * time.Second})
				})
				screen := &studio{}
				err := look(t, f, screen, &diary{})
				ended := time.Since(begin) < 600*time.Millisecond
				if wantEnd := tt.wantEnds && !answered; ended != wantEnd || wantEnd != (err != nil) {
					t.Fatalf("%s, answered before %t: Run = %v after %v, want an early end: %t", tt.give.Error(), answered, err, time.Since(begin), wantEnd)
				}
				if want := `gallery "pets": ` + tt.give.Error(); err != nil && err.Error() != want {
					t.Errorf("Run = %v, want %q", err, want)
				}
				away := map[bool]string{true: "gallery away, again in 5 s", false: "server away, again in 5 s"}[tt.wantEnds]
				if tt.give.Reason == "MODEL_NOT_FOUND" {
					away = "model not served, again in 5 s"
				}
				if got := screen.words(); answered && !strings.Contains(got, away) {
					t.Errorf("%s: the screen says %q, want %q in it", tt.give.Error(), got, away)
				}
			})
		}
	}
}

// Thumbnails of things that are not found any more are taken back, so that a long run
// keeps few.
func TestThumbnailsFollowWhatIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, screen := newFinder(pets, match("cat", 0.75), match("dog", 0.25)), &studio{}
		again := match("dog", 0.5)
		again.Entry.PictureSHA256 = "another picture's"
		f.later = []client.ThingMatch{again, match("emu", 0.25)}
		if err := look(t, f, screen, &diary{}); err != nil {
			t.Fatal(err)
		}
		want := []string{"cat: cat", "dog: dog", "dog: dog", "emu: emu", "cat: "}
		if diff := cmp.Diff(want, screen.thumbnails); diff != "" {
			t.Errorf("thumbnails (-want +got):\n%s", diff)
		}
	})
}

func TestGalleryAndReferencesAreOneOfTwo(t *testing.T) {
	err := webcam.Run(t.Context(), webcam.Config{Source: &film{}, Scorer: newFinder(pets), Gallery: "pets", References: twoReferences})
	if want := `webcam: received Config.Gallery "pets" and 2 Config.References, expected one of the two`; err == nil || err.Error() != want {
		t.Errorf("Run = %v, want %q", err, want)
	}
}
