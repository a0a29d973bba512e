//go:build gocv

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// beMain makes the test binary be the program: tests start it as a process.
const beMain = "TEST_BE_SIAMESE_WEBCAM"

// serverProgram is the variable that names the siamese program to serve with.
const serverProgram = "SIAMESE_PROGRAM"

// patience is how long a test waits for a process to do what it should.
const patience = time.Minute

// Drawings of the repository: A and B are of one character, C is of another.
const (
	greek  = "../../testdata/omniglot/Greek/"
	glyphA = greek + "character01/0394_01.png"
	glyphB = greek + "character01/0394_02.png"
	glyphC = greek + "character02/0395_01.png"
)

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
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
	cmd := command(t, nil, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("siamese-webcam %v: %v", args, err)
	}
	return out.String(), errs.String(), 0
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

// freeAddress is an address of this machine that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

// server is a siamese server under test, the real one.
type server struct {
	cmd     *exec.Cmd
	address string
}

// serve starts a server on a free port, or on the given address.
func serve(t *testing.T, address string) *server {
	t.Helper()
	if address == "" {
		address = freeAddress(t)
	}
	return serveWith(t, address, address)
}

// serveWith starts a server with further flags, whose health is told at health.
func serveWith(t *testing.T, address, health string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"serve", "--addr", address, "--http-addr", ""}, flags...)
	s := &server{cmd: exec.CommandContext(t.Context(), siamese(t), flags...), address: address}
	var log bytes.Buffer
	s.cmd.Stderr = &log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	if err := waitServing(t.Context(), health); err != nil {
		s.kill()
		t.Fatalf("the server does not serve: %v\n%s", err, log.String())
	}
	return s
}

// kill ends the server without a word to its clients.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		_ = s.cmd.Wait()
	}
}

// waitServing watches the server's health until it says SERVING.
func waitServing(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	for {
		watch, err := healthpb.NewHealthClient(connection).Watch(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
		for err == nil {
			var reply *healthpb.HealthCheckResponse
			if reply, err = watch.Recv(); err == nil && reply.GetStatus() == healthpb.HealthCheckResponse_SERVING {
				return nil
			}
		}
		if ctx.Err() != nil {
			return err
		}
	}
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
