package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

// startWithReader starts a process whose standard error has a reader that goes
// away once it has seen some words. The reader may be a terminal.
func startWithReader(t *testing.T, cmd *exec.Cmd, words string) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, cmd, reader, writer, words)
}

func startOn(t *testing.T, cmd *exec.Cmd, reader, writer *os.File, words string) {
	t.Helper()
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	proctest.WaitForLine(t, bufio.NewReader(reader), words)
	reader.Close()
}

// TestServeOutlivesItsReader: as with `siamese serve 2>&1 | head -1`. A call is
// answered while every line of the log is lost.
func TestServeOutlivesItsReader(t *testing.T) {
	address := proctest.FreeAddress(t)
	cmd := proctest.Command(t, "serve", "--addr", address, "--http-addr", "", "--log-level", "debug")
	startWithReader(t, cmd, "msg=starting")
	proctest.WaitServing(t, address)
	for range 3 {
		stdout, stderr, code := proctest.Run(t, "", "compare", proctest.GlyphA, proctest.GlyphB, "--server", address)
		if code != 0 || !strings.HasPrefix(stdout, fixture.ScoreAB) {
			t.Fatalf("compare = %q, %q, exit code %d; want the similarity", stdout, stderr, code)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v, want exit code 0", err)
	}
}

// TestServeHangUpWithNothingToReload: SIGHUP never ends a server.
func TestServeHangUpWithNothingToReload(t *testing.T) {
	server := proctest.Serve(t)
	for range 2 {
		if err := server.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		server.Log.WaitFor(t, "nothing to reload")
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

// TestTrainOutlivesItsReader: a pipe and a terminal that is closed, with the bar
// on it, cost the log and nothing else.
func TestTrainOutlivesItsReader(t *testing.T) {
	control, tty := proctest.OpenTerminal(t)
	pipe, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for name, ends := range map[string][2]*os.File{"a pipe": {pipe, writer}, "a terminal": {control, tty}} {
		run := filepath.Join(t.TempDir(), "run")
		cmd := proctest.Command(t, quick(run, "--epochs", "2")...)
		startOn(t, cmd, ends[0], ends[1], "step=1 ")
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: the run ended with %v, want exit code 0", name, err)
		}
		if losses := readMetrics(t, run); len(losses) != 6 {
			t.Errorf("%s: %d steps recorded, want 6", name, len(losses))
		}
	}
}

// TestTrainSavesOnHangUp: a closed terminal is an interrupt, and means nothing to
// a run under nohup.
func TestTrainSavesOnHangUp(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	cmd := proctest.Command(t, quick(run, "--epochs", "1000")...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "step=2 ")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "msg=interrupted")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 129 {
		t.Errorf("the run ended with %v, want exit code 129", err)
	}
	if len(proctest.ReadFile(t, filepath.Join(run, "checkpoint.safetensors"))) == 0 {
		t.Error("the checkpoint is empty")
	}
	under := filepath.Join(t.TempDir(), "run")
	nohup := proctest.Command(t, quick(under, "--epochs", "3")...)
	nohup.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh"}, nohup.Args...)
	if nohup.Path, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	if log, err = nohup.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := nohup.Start(); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "step=2 ")
	if err := nohup.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, log)
	if err := nohup.Wait(); err != nil {
		t.Errorf("the run under nohup ended with %v, want exit code 0", err)
	}
	if losses := readMetrics(t, under); len(losses) != 9 {
		t.Errorf("%d steps recorded under nohup, want 9", len(losses))
	}
}

// TestRunFolderIsOneRuns: a second process is refused by name, one that was killed
// leaves no lock and no half file, and damage to the checkpoint is found.
func TestRunFolderIsOneRuns(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	cmd := proctest.Command(t, quick(run, "--epochs", "1000")...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	proctest.WaitForLine(t, log, "msg=epoch") // its checkpoint is saved before the next step
	proctest.WaitForLine(t, log, "step=4 ")
	want := fmt.Sprintf("another run is under way in this folder: %s is in use by process %d", run, cmd.Process.Pid)
	for _, args := range [][]string{{"train", "--resume", run}, quick(run)} {
		_, stderr, code := proctest.Run(t, "", args...)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%v beside a run = %q, exit code %d; want %q", args, stderr, code, want)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // by the signal
	left := filepath.Join(run, ".checkpoint.safetensors.partial-4711")
	if err := os.WriteFile(left, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	checkpoint := filepath.Join(run, "checkpoint.safetensors")
	whole := proctest.ReadFile(t, checkpoint)
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)/2] ^= 1
	if err := os.WriteFile(checkpoint, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := proctest.Run(t, "", "train", "--resume", run); code != 1 || !strings.Contains(stderr, "it is damaged") {
		t.Errorf("resuming from a flipped bit = %q, exit code %d; want it refused", stderr, code)
	}
	if err := os.WriteFile(checkpoint, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := proctest.Run(t, "", "train", "--resume", run, "--time-limit", "1ms")
	if code != 1 || !strings.Contains(stderr, "msg=resumed") {
		t.Errorf("resuming from the whole file = %q, exit code %d; want it taken up until its time is over", stderr, code)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the killed run left is still there (%v)", err)
	}
	if _, stderr, code := proctest.Run(t, "", "train", "--resume", run, "--time-limit", "5m", "--elastic", "3"); code != 2 || !strings.Contains(stderr, "--elastic can't change") {
		t.Errorf("--resume with --elastic = %q, exit code %d; want it refused", stderr, code)
	}
}

// TestServeKeepsSecretsOfURLs: a password within a flag is in no line of the log
// and in no error.
func TestServeKeepsSecretsOfURLs(t *testing.T) {
	const secret = "hunter2"
	server := proctest.Serve(t, "--otlp-endpoint", "http://me:"+secret+"@127.0.0.1:1/?key="+secret, "--log-level", "debug")
	if _, stderr, code := proctest.Run(t, "", "compare", proctest.GlyphA, proctest.GlyphB, "--server", server.Address); code != 0 {
		t.Fatalf("compare: exit code %d, %s", code, stderr)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if log := server.Log.String(); strings.Contains(log, secret) || !strings.Contains(log, "otlp_endpoint=http://xxxxx@127.0.0.1:1/?xxxxx") {
		t.Errorf("the log is\n%s\nwant the endpoint without its secrets", log)
	}
	for _, flag := range []string{"--otlp-endpoint=ftp://me:" + secret + "@host", "--otlp-endpoint=me:" + secret + "@host", "--cors-origin=https://me:" + secret + "@host"} {
		_, stderr, code := proctest.Run(t, "", "serve", "--addr=127.0.0.1:0", "--http-addr=127.0.0.1:0", flag)
		if code != 2 || strings.Contains(stderr, secret) {
			t.Errorf("serve %s = %q, exit code %d; want 2 and no secret", flag, stderr, code)
		}
	}
}

// TestKilledBenchLeavesNothing: the part that runs, and the server that it has
// started, end with the bench, though that can't tell them.
func TestKilledBenchLeavesNothing(t *testing.T) {
	cmd := proctest.BenchCommand(t, "gpu", "--device", "cpu", "--parts", "server", "--min-time", "60s", "--output", filepath.Join(t.TempDir(), "gpu.jsonl"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := child(t, cmd.Process.Pid)
	server := child(t, part.pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // by the signal
	for name, process := range map[string]watched{"the part": part, "its server": server} {
		if !process.ended(t) {
			t.Errorf("%s, process %d, goes on", name, process.pid)
			_ = unix.Kill(process.pid, unix.SIGKILL)
		}
	}
}

// watched is a process that is no child of the test's.
type watched struct{ pid, fd int }

// processPatience is how long a process may take to be there, and to end.
const processPatience = time.Minute

// child waits until a process has a child.
func child(t *testing.T, parent int) watched {
	t.Helper()
	for end := time.Now().Add(processPatience); time.Now().Before(end); {
		processes, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, path := range processes {
			text, _ := os.ReadFile(path) // it may have gone
			var pid, itsParent int
			var state string
			_, after, _ := strings.Cut(string(text), ") ") // the name before it may have spaces
			if _, err := fmt.Sscan(after, &state, &itsParent); err != nil || itsParent != parent {
				continue
			}
			if _, err := fmt.Sscan(string(text), &pid); err != nil {
				continue
			}
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				continue // it ended at once
			}
			t.Cleanup(func() { unix.Close(fd) })
			return watched{pid, fd}
		}
	}
	t.Fatalf("process %d has no child within %v", parent, processPatience)
	return watched{}
}

// ended waits until the process has ended.
func (w watched) ended(t *testing.T) bool {
	t.Helper()
	for end := time.Now().Add(processPatience); time.Now().Before(end); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, int(processPatience/time.Millisecond))
		if err == nil {
			return n == 1
		}
	}
	return false
}
