package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
const beMain = "TEST_BE_SIAMESE"

// home is an empty home folder that the tests share, so that the built-in model
// is unpacked once.
var home string

// root is the repository.
const root = "../.."

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
		return
	}
	os.Exit(func() int {
		var err error
		if home, err = os.MkdirTemp("", "siamese-home-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(home)
		return m.Run()
	}())
}

// command is the program as a process that is killed with the test.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = []string{beMain + "=1", "HOME=" + home, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// siamese runs the program to its end.
func siamese(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("siamese %v: %v", args, err)
	}
	return out.String(), errs.String(), 0
}

// process is a server under test.
type process struct {
	cmd     *exec.Cmd
	log     *bytes.Buffer // complete once the process has ended
	address string
}

// serve starts a server on a free port and waits until it serves.
func serve(t *testing.T, args ...string) *process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	return serveAt(t, address, args...)
}

// serveAt starts a server at an address that is free.
func serveAt(t *testing.T, address string, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, append([]string{"serve", "--addr", address, "--http-addr", ""}, args...)...), log: new(bytes.Buffer), address: address}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	if err := waitServing(t.Context(), address); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		t.Fatalf("server does not serve: %v\n%s", err, p.log)
	}
	return p
}

// signal sends a signal and gives the exit code.
func (p *process) signal(t *testing.T, signal syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the code says what there is to say
	return p.cmd.ProcessState.ExitCode()
}

// waitServing watches the server's health until it says SERVING.
func waitServing(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
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

// glyph is a drawing of testdata/omniglot.
func glyph(name string) string {
	return filepath.Join(root, "testdata/omniglot", name)
}

// Three drawings: A and B are of one character, C is of another.
var (
	glyphA = glyph("Greek/character01/0394_01.png")
	glyphB = glyph("Greek/character01/0394_02.png")
	glyphC = glyph("Greek/character02/0395_01.png")
)

// oneLine checks that an error is one line without a goroutine dump.
func oneLine(t *testing.T, stderr string) {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "siamese: ") {
		t.Errorf("standard error is %q, want one line that begins with %q", stderr, "siamese: ")
	}
}
