package versions_test

import (
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
