package chaos_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

// TestKilledAtRandom kills first starts at random moments, the writing of the
// model cache among them; each next start works.
func TestKilledAtRandom(t *testing.T) {
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
		partial, err := filepath.Glob(filepath.Join(fresh, ".cache/siamese/models/*/*/.partial-*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(partial) > 0 {
			halfWritten++
		}
		stdout, err := firstStart(t, fresh).Output()
		if err != nil || !strings.HasPrefix(string(stdout), fixture.ScoreAB+" same") {
			t.Errorf("after a kill at %v: printed %q, %v; want the similarity", moment, stdout, err)
		}
		if err := os.RemoveAll(fresh); err != nil { // 67 MB
			t.Fatal(err)
		}
	}
	figure(t, "kill -9 at %d random moments of a first start of %v, %d with the model cache half-written: each next start answered",
		kills, lasts.Round(time.Millisecond), halfWritten)
	longBar(t, halfWritten > 0, "no kill came while the cache was being written: nothing was tested")
}

// firstStart is a comparison with a home folder of its own.
func firstStart(t *testing.T, home string) *exec.Cmd {
	t.Helper()
	cmd := proctest.Command(t, "compare", proctest.GlyphA, proctest.GlyphB)
	cmd.Env = []string{"HOME=" + home}
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
