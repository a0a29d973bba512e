package versions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/versions"
)

// pass lets looks at the folder pass: fake time.
func pass(looks int) {
	time.Sleep(time.Duration(looks) * period)
	synctest.Wait()
}

// TestReadyIsOneLine with all that matters of what serves from now on.
func TestReadyIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		cfg := w.config()
		cfg.Labels = map[string]string{"stable": "1"}
		r := w.run(cfg)
		synctest.Wait()
		_, line, _ := strings.Cut(strings.TrimSpace(w.log.String()), "level=")
		want := `INFO msg=ready version=1 before="" labels=map[stable:1] model.name=wide model.digest="digest of 1" load_ms=0`
		if line != want {
			t.Errorf("the log of a start is %q, want %q", line, want)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStartServesWhatIsChosen(t *testing.T) {
	tests := []struct {
		name       string
		give       map[string]string
		choice     string
		labels     map[string]string
		want       string
		wantLabels map[string]string
		wantMemory string
		wantErr    string
	}{
		{name: "the latest by number", give: map[string]string{"9": "good", "10": "good"}, want: "10", wantMemory: "10"},
		{name: "a pinned one", give: map[string]string{"1": "good", "2": "good"}, choice: "1", want: "1", wantMemory: "1"},
		{name: "what is no number is none", give: map[string]string{"1": "good", "2.tmp": "good", ".partial-3": "good"}, want: "1", wantMemory: "1"},
		{
			name: "labels", give: map[string]string{"1": "good", "2": "good", "3": "good"}, choice: "stable",
			labels: map[string]string{"stable": "1", "canary": versions.Latest},
			want:   "1", wantLabels: map[string]string{"stable": "1", "canary": "3"}, wantMemory: "1 3",
		},
		{name: "the next where the latest does not hold", give: map[string]string{"1": "good", "2": "bad"}, want: "1", wantMemory: "1"},
		{name: "a label that points nowhere", give: map[string]string{"1": "good"}, labels: map[string]string{"canary": "7"}, want: "1", wantMemory: "1"},
		{name: "a pinned one that does not hold", give: map[string]string{"1": "good", "2": "bad"}, choice: "2", wantErr: `version 2 does not hold: its file says "bad"`},
		{name: "a pinned one that is not there", give: map[string]string{"1": "good"}, choice: "2", wantErr: `no such version: "2" in `},
		{name: "none", wantErr: "there is no numbered version in "},
		{name: "none that holds", give: map[string]string{"1": "bad", "2": "worse"}, wantErr: `version 2 does not hold: its file says "worse"; version 1 does not hold`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.give)
				cfg := w.config()
				cfg.Default, cfg.Labels = tt.choice, tt.labels
				r := w.run(cfg)
				synctest.Wait()
				status, memory := r.Status(), w.inMemory()
				err := r.stop()
				if log := w.log.String(); strings.Contains(log, "level=ERROR") != (status.Default != "" && status.LastError != nil) {
					t.Errorf("the log is to have an error where there is no other place for it:\n%s", log)
				}
				if tt.wantErr != "" {
					if err == nil || !strings.Contains(err.Error(), tt.wantErr) || strings.Contains(err.Error(), "\n") {
						t.Errorf("Run = %v, want one line with %q", err, tt.wantErr)
					}
					return
				}
				if tt.wantLabels == nil {
					tt.wantLabels = map[string]string{}
				}
				if err != nil || status.Default != tt.want || memory != tt.wantMemory {
					t.Errorf("default %q, in memory %q, %v; want %q, %q", status.Default, memory, err, tt.want, tt.wantMemory)
				}
				if diff := cmp.Diff(tt.wantLabels, status.Labels); diff != "" {
					t.Errorf("labels (-want +got):\n%s", diff)
				}
				if left := w.inMemory(); left != "" {
					t.Errorf("after Close versions %s are in memory, want none", left)
				}
			})
		})
	}
}

func TestNewVersionTakesOverAndTheOldOneGoesAfterItsLastCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		r := w.run(w.config())
		synctest.Wait()
		call := w.keepBusy("1")
		w.put("2", "good")
		pass(2)
		if got := r.Status().Default; got != "2" {
			t.Errorf("default = %q, want 2", got)
		}
		if state, memory := r.state("1"), w.inMemory(); state != "unloading" || memory != "1 2" {
			t.Errorf("with a call under way version 1 is %s, in memory %q; want it unloading beside 2", state, memory)
		}
		close(call)
		synctest.Wait()
		if state, memory := r.state("1"), w.inMemory(); state != "on disk" || memory != "2" {
			t.Errorf("after the call version 1 is %s, in memory %q; want 2 alone", state, memory)
		}
		pass(5)
		if got := w.attempts(); got != "1 2" {
			t.Errorf("loads = %q, want each version once", got)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestVersionIsLeftAloneWhileItIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		r := w.run(w.config())
		synctest.Wait()
		for _, part := range []string{"", "g", "go", "goo"} {
			w.put("2", part)
			pass(1)
		}
		w.put("2", "good")
		pass(1)
		if got := w.attempts(); got != "1" {
			t.Errorf("loads while version 2 was copied = %q, want 1 alone", got)
		}
		pass(1)
		if got := r.Status().Default; got != "2" {
			t.Errorf("default = %q after the copy, want 2", got)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestBadVersionLeavesTheOldServingAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		r := w.run(w.config())
		synctest.Wait()
		w.put("2", "bad")
		pass(20)
		if got := w.attempts(); got != "1 2" {
			t.Errorf("loads = %q, want the bad version tried once", got)
		}
		status := r.Status()
		want := `version 2 does not hold: its file says "bad"`
		if status.Default != "1" || status.LastError == nil || status.LastError.Error() != want || status.FailedLoads != 1 {
			t.Errorf("status = %+v, want version 1 and the error %q", status, want)
		}
		if v := r.Versions()[0]; v.Name != "2" || v.State != versions.Failed || v.Reason.Error() != `its file says "bad"` {
			t.Errorf("version 2 = %+v, want it failed with the reason", v)
		}
		if got := strings.Count(w.log.String(), "its file says"); got != 1 {
			t.Errorf("the log tells %d times why version 2 does not hold, want once:\n%s", got, &w.log)
		}
		w.put("2", "good")
		pass(2)
		if status := r.Status(); status.Default != "2" || status.LastError != nil {
			t.Errorf("status once it is mended = %+v, want version 2", status)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestRemovedFolderGivesWayToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		w.remove("2")
		pass(1)
		if got, memory := r.Status().Default, w.inMemory(); got != "1" || memory != "1" {
			t.Errorf("without folder 2 the default is %q, in memory %q; want 1", got, memory)
		}
		w.remove("1")
		pass(3)
		if got := r.Status(); got.Default != "1" || got.LastError == nil {
			t.Errorf("without any folder the status is %+v, want version 1 to go on, and an error", got)
		}
		pass(1)
		if state := r.state("2"); state != "none" {
			t.Errorf("version 2 is %s, want it forgotten", state)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestModelsInMemoryAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		cfg := w.config()
		cfg.MaxLoaded = 2
		r := w.run(cfg)
		synctest.Wait()
		stream := w.keepBusy("1")
		w.put("2", "good")
		pass(2)
		w.put("3", "good")
		pass(5)
		status := r.Status()
		if status.Default != "2" || w.inMemory() != "1 2" || status.LastError == nil || !strings.Contains(status.LastError.Error(), "too many versions in memory: 2, expected at most 2") {
			t.Errorf("status = %+v, in memory %q; want 2 to serve while 1 has a call", status, w.inMemory())
		}
		close(stream)
		pass(1)
		if got := r.Status().Default; got != "3" {
			t.Errorf("default = %q once there is room, want 3", got)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseTellsWhatWasNotFreed(t *testing.T) {
	w := newWorld(t, map[string]string{"13": "good"})
	cfg := w.config()
	cfg.Period = 0
	r := w.run(cfg)
	if _, err := r.Load(t.Context(), "13"); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err == nil || err.Error() != "thirteen stays" {
		t.Errorf("Close = %v, want the error of Unload", err)
	}
}

// TestShortageIsTriedAgain after 1, 2, 4 … seconds, whether or not the folder is
// looked at every period, and the log says when.
func TestShortageIsTriedAgain(t *testing.T) {
	for _, every := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, map[string]string{"1": "good"})
			w.shortages = 3
			cfg := w.config()
			cfg.Period = every
			r := w.run(cfg)
			synctest.Wait()
			w.put("2", "short")
			if _, err := r.SetDefault(t.Context(), versions.Latest); err != nil {
				t.Fatal(err)
			}
			v := r.Versions()[0]
			if v.Name != "2" || v.State != versions.Failed || !v.NextTry.Equal(time.Now().Add(time.Second)) || !errors.Is(v.Reason, versions.ErrTransient) {
				t.Errorf("period %v: version 2 = %+v, want it failed and tried again in 1s", every, v)
			}
			if err := r.Status().LastError; err == nil || !strings.Contains(err.Error(), "version 2 is tried again at ") {
				t.Errorf("period %v: last error = %v, want when version 2 is tried again", every, err)
			}
			time.Sleep(time.Minute) // fake time
			synctest.Wait()
			if got := r.Status(); got.Default != "2" || got.LastError != nil || got.FailedLoads != 3 {
				t.Errorf("period %v: status = %+v, want version 2 after 3 failures", every, got)
			}
			want := []time.Duration{0, 0, time.Second, 3 * time.Second, 7 * time.Second}
			if diff := cmp.Diff(want, w.at); diff != "" {
				t.Errorf("period %v: loads since the beginning (-want +got):\n%s", every, diff)
			}
			if got := strings.Count(w.log.String(), "is tried again"); got != 3 || strings.Contains(w.log.String(), "level=ERROR") {
				t.Errorf("period %v: the log tells %d times of another try, want 3 and no error:\n%s", every, got, &w.log)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestShortageIsNotTriedForNobody: a version that nothing needs any more is let be,
// and one that is short for ever is tried at most every 5 minutes.
func TestShortageIsNotTriedForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "short", "3": "good"})
		w.shortages = 1 << 30
		r := w.run(w.config())
		synctest.Wait()
		if _, err := r.Load(t.Context(), "2"); !errors.Is(err, versions.ErrTransient) {
			t.Errorf("Load(2) = %v, want ErrTransient", err)
		}
		pass(10)
		if got, state := w.attempts(), r.state("2"); got != "3 2" || state != "on disk" {
			t.Errorf("loads = %q and version 2 is %s, want no other try of it", got, state)
		}
		w.put("4", "short")
		time.Sleep(time.Hour) // fake time
		synctest.Wait()
		// 1 + 2 + … + 256 s are 9 tries in 8.5 minutes; 10 more come in what is left.
		if got := strings.Count(w.attempts(), "4"); got < 18 || got > 21 {
			t.Errorf("version 4 was tried %d times in an hour, want about 20", got)
		}
		if got := r.Status().Default; got != "3" {
			t.Errorf("default = %q, want 3 to go on", got)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestLoadThatDoesNotEnd holds neither a caller beyond its deadline nor the stop.
func TestLoadThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "good"})
		r := w.run(w.config())
		synctest.Wait()
		w.put("3", "hangs")
		pass(2)
		if state := r.state("3"); state != "loading" || r.Status().Default != "2" {
			t.Errorf("version 3 is %s, the default %q; want it loading and 2", state, r.Status().Default)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.SetDefault(ctx, "1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SetDefault beside it = %v, want its deadline", err)
		}
		began := time.Now()
		if err := r.stop(); err == nil || !strings.Contains(err.Error(), "a load does not end") {
			t.Errorf("stop = %v, want it to tell of the load", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the stop took %v, want at most 10s", took)
		}
		close(w.hang)
	})
}

// TestPanicOfALoadIsAnError: the server goes on, with no place in memory lost.
func TestPanicOfALoadIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good", "2": "panics"})
		cfg := w.config()
		cfg.Default = "1"
		r := w.run(cfg)
		synctest.Wait()
		_, err := r.Load(t.Context(), "2")
		if err == nil || !strings.Contains(err.Error(), "panic: assignment to entry in nil map") {
			t.Errorf("Load = %v, want the panic as an error", err)
		}
		if state, status := r.state("2"), r.Status(); state != "failed" || status.Loaded != 1 || status.Default != "1" {
			t.Errorf("version 2 is %s, status %+v; want it failed, and version 1 alone in memory", state, status)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestOperatorWaitsForRoom: a roll-back while models answer their last calls is done
// when the first of them is free; where none is on its way out it is refused at
// once.
func TestOperatorWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"1": "good"})
		cfg := w.config()
		cfg.MaxLoaded = 2
		r := w.run(cfg)
		synctest.Wait()
		stream := w.keepBusy("1")
		w.put("2", "good")
		pass(2)
		w.put("3", "good")
		time.AfterFunc(10*time.Second, func() { close(stream) }) // fake time
		began := time.Now()
		if _, err := r.SetDefault(t.Context(), "3"); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("SetDefault(3) = %v after %v, want it done when version 1 is free", err, time.Since(began))
		}
		if _, err := r.SetLabel(t.Context(), "stable", "2"); err != nil {
			t.Error(err)
		}
		if _, err := r.Load(t.Context(), "1"); !errors.Is(err, versions.ErrTooMany) {
			t.Errorf("Load beside two that stay = %v, want ErrTooMany", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatCouldNotBeHadAtTheStartComesLater: Start says why, and Run loads it once its
// files have changed.
func TestWhatCouldNotBeHadAtTheStartComesLater(t *testing.T) {
	tests := []struct {
		name    string
		give    map[string]string
		wantErr string
	}{
		{"a version that does not hold", map[string]string{"1": "bad"}, `version 1 does not hold: its file says "bad"`},
		{"no version at all", nil, "there is no numbered version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.give)
				m, err := versions.New(w.config())
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Start(t.Context()); err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("Start = %v, want an error with %q", err, tt.wantErr)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { m.Run(ctx); close(ended) }()
				pass(2)
				w.put("1", "good")
				pass(3)
				if got := m.Status().Default; got != "1" {
					t.Errorf("default = %q once the files hold, want 1: %v", got, m.Status().LastError)
				}
				stop()
				<-ended
				w.mu.Lock()
				w.routed = nil
				w.mu.Unlock()
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
