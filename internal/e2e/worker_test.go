package e2e_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/proctest"
)

// startWorkers starts a cluster of two workers and returns its addresses and how
// to kill the second one.
func startWorkers(t *testing.T) (cluster string, kill func()) {
	t.Helper()
	cluster = proctest.FreeAddress(t) + "," + proctest.FreeAddress(t)
	for _, number := range []string{"0", "1"} {
		cmd := proctest.Command(t, "worker", "--cluster", cluster, "--number", number)
		log, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		proctest.WaitForLine(t, log, "worker ready")
		kill = func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()         // with the signal
		}
		t.Cleanup(kill)
	}
	return cluster, kill
}

// TestTrainOnWorkers: two workers, processes of their own, learn what two devices
// of one process learn.
func TestTrainOnWorkers(t *testing.T) {
	apart, together := filepath.Join(t.TempDir(), "apart"), filepath.Join(t.TempDir(), "together")
	cluster, _ := startWorkers(t)
	if _, stderr, code := proctest.Run(t, "", quick(apart, "--epochs", "1", "--cluster", cluster)...); code != 0 {
		t.Fatalf("train --cluster: exit code %d\n%s", code, stderr)
	}
	if _, stderr, code := proctest.Run(t, "", quick(together, "--epochs", "1", "--device", "cpu", "--devices", "cpu:0,cpu:1")...); code != 0 {
		t.Fatalf("train --devices: exit code %d\n%s", code, stderr)
	}
	got, want := readMetrics(t, apart), readMetrics(t, together)
	if len(got) != 3 || len(want) != 3 {
		t.Fatalf("%d and %d steps recorded, want 3 each", len(got), len(want))
	}
	for step, loss := range want {
		// Threads add in any order.
		if difference := got[step] - loss; difference > 1e-4 || difference < -1e-4 {
			t.Errorf("loss of step %d is %v on two workers, %v on two devices", step, got[step], loss)
		}
	}
}

// TestWorkerKilled: training ends with an error and can be resumed.
func TestWorkerKilled(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	cluster, kill := startWorkers(t)
	cmd := proctest.Command(t, quick(run, "--epochs", "400", "--oneshot-trials", "0", "--cluster", cluster)...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "step=4")
	kill()
	proctest.WaitForLine(t, log, "siamese: train step: ")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("train after a worker was killed ended with %v, want exit code 1", err)
	}
	// The configuration names the workers that are gone; the state is whole.
	if _, stderr, code := proctest.Run(t, "", "train", "--resume", run); code != 1 || !strings.Contains(stderr, "is not there") {
		t.Errorf("resume without workers: exit code %d, want 1 and which worker is not there\n%s", code, stderr)
	}
}

func TestWorkerRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		give []string
		want string
	}{
		{"other machines without a word", []string{"--cluster", "10.0.0.1:4001", "--number", "0"}, "--insecure"},
		{"number out of range", []string{"--cluster", "127.0.0.1:4001", "--number", "1"}, "worker 1 of a cluster of 1"},
	} {
		if _, stderr, code := proctest.Run(t, "", append([]string{"worker"}, tt.give...)...); code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d, want 2 and %q\n%s", tt.name, code, tt.want, stderr)
		}
	}
}

// TestTrainDeterministic: an interrupted and resumed run ends with the very
// weights of one that went straight through.
func TestTrainDeterministic(t *testing.T) {
	straight, broken := filepath.Join(t.TempDir(), "straight"), filepath.Join(t.TempDir(), "broken")
	if _, stderr, code := proctest.Run(t, "", quick(straight, "--epochs", "3", "--deterministic")...); code != 0 {
		t.Fatalf("train --deterministic: exit code %d\n%s", code, stderr)
	}
	cmd := proctest.Command(t, quick(broken, "--epochs", "3", "--deterministic")...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "step=4")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "msg=interrupted")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Fatalf("interrupted run ended with %v, want exit code 130", err)
	}
	if _, stderr, code := proctest.Run(t, "", "train", "--resume", broken); code != 0 {
		t.Fatalf("resume: exit code %d\n%s", code, stderr)
	}
	want := proctest.ReadFile(t, filepath.Join(straight, "last_epoch_weights.h5"))
	if got := proctest.ReadFile(t, filepath.Join(broken, "last_epoch_weights.h5")); string(got) != string(want) {
		t.Error("the weights after an interrupt and a resume differ from those of a straight run, want them equal to the bit")
	}
}
