//go:build gocv

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/internal/proctest"
)

// beMain makes the test binary be the program: tests start it as a process.
const beMain = "TEST_BE_SIAMESE_WEBCAM"

// serverProgram is the variable that names the siamese program to serve with.
const serverProgram = "SIAMESE_PROGRAM"

// patience is how long a test waits for a process to do what it should.
const patience = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
		return
	}
	proctest.Main(m)
}

// needs skips a test where a program is missing, and says which package has it.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	packages := map[string]string{"Xvfb": "xvfb", "import": "imagemagick"}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			name := program
			if packages[program] != "" {
				name = packages[program]
			}
			t.Skipf("there is no %s: apt-get install %s", program, name)
		}
	}
}

// command is the client as a process that is killed with the test. It sees no
// display but by the environment given.
func command(t *testing.T, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append([]string{beMain + "=1", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, environment...)
	return cmd
}

// runToEnd runs the client without a display to its end.
func runToEnd(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return proctest.ToEnd(t, command(t, nil, args...))
}

// siamese is the program to serve with.
func siamese(t *testing.T) string {
	t.Helper()
	program := os.Getenv(serverProgram)
	if program == "" {
		t.Skipf("%s names no siamese program to serve with: scripts/webcam-check.sh does", serverProgram)
	}
	return program
}

// serve starts a siamese server, the real one, on a free port or at the address.
func serve(t *testing.T, address string) *proctest.Server {
	t.Helper()
	siamese(t)
	if address == "" {
		address = proctest.FreeAddress(t)
	}
	return proctest.ServeAt(t, address, "--model=omniglot", "--galleries", t.TempDir())
}

// film writes a video of 640x480 at 30/s: two seconds of each drawing.
func film(t *testing.T, drawings ...string) string {
	t.Helper()
	needs(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "film.mp4")
	args := []string{"-v", "error"}
	var scale, join strings.Builder
	for i, drawing := range drawings {
		args = append(args, "-loop", "1", "-t", "2", "-i", drawing)
		n := string(rune('0' + i))
		scale.WriteString("[" + n + "]scale=480:480:flags=area,pad=640:480:80:0:white,format=yuv420p,setsar=1[v" + n + "];")
		join.WriteString("[v" + n + "]")
	}
	join.WriteString("concat=n=" + string(rune('0'+len(drawings))) + ":v=1[out]")
	args = append(args, "-filter_complex", scale.String()+join.String(), "-map", "[out]", "-r", "30", "-preset", "ultrafast", path)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// start starts a command and gives what it writes.
func start(t *testing.T, cmd *exec.Cmd) io.Reader {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return out
}
