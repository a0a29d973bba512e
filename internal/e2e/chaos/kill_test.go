package chaos_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

// TestKilledAtRandom kills starts at random moments, the unpacking of the model
// among them; each next start works and leaves nothing of it.
func TestKilledAtRandom(t *testing.T) {
	proctest.Program(t) // built now: building is no part of a start
	whole := time.Now()
	if output, err := firstStart(t, t.TempDir()).Output(); err != nil {
		t.Fatalf("compare: %v, %s", err, output)
	}
	lasts := time.Since(whole)
	random := rand.New(rand.NewPCG(3, 3))
	kills := byForm(2, 20)
	halfWritten := 0
	for range kills {
		fresh := t.TempDir()
		moment := time.Duration(random.Int64N(int64(lasts)))
		killAfter(t, firstStart(t, fresh), moment)
		left, err := os.ReadDir(fresh)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) > 0 {
			halfWritten++
		}
		stdout, err := firstStart(t, fresh).Output()
		if err != nil || !strings.HasPrefix(string(stdout), fixture.ScoreAB+" same") {
			t.Errorf("after a kill at %v: printed %q, %v; want the similarity", moment, stdout, err)
		}
		if left, err = os.ReadDir(fresh); err != nil || len(left) > 0 {
			t.Errorf("after the next start there is %v (%v), want nothing", left, err)
		}
	}
	figure(t, "kill -9 at %d random moments of a start of %v, %d with the model half unpacked: each next start answered and left nothing",
		kills, lasts.Round(time.Millisecond), halfWritten)
	longBar(t, halfWritten > 0, "no kill came while the model was being unpacked: nothing was tested")
}

// firstStart is a comparison with a temporary folder of its own.
func firstStart(t *testing.T, temporary string) *exec.Cmd {
	t.Helper()
	cmd := proctest.Command(t, "compare", proctest.GlyphA, proctest.GlyphB)
	cmd.Env = []string{"TMPDIR=" + temporary}
	return cmd
}

// killAfter starts a process and kills it, unless it ends before.
func killAfter(t *testing.T, cmd *exec.Cmd, moment time.Duration) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // killed, or done before
}
