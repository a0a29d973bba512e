package proctest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// patience is how long a process may take to do what a test waits for.
const patience = time.Minute

// Server is a server under test.
type Server struct {
	Cmd     *exec.Cmd
	Log     *Log   // complete once the process has ended
	Address string // of the calls
}

// Serve starts a server on a free port and waits until it serves.
func Serve(t *testing.T, args ...string) *Server {
	t.Helper()
	return ServeAt(t, FreeAddress(t), args...)
}

// ServeAt starts a server at an address that is free and waits until it serves.
func ServeAt(t *testing.T, address string, args ...string) *Server {
	t.Helper()
	return ServeWatched(t, address, address, append([]string{"--http-addr", ""}, args...)...)
}

// ServeWatched starts a server whose health can be asked for in plain text at
// another address than the calls', and waits until it serves.
func ServeWatched(t *testing.T, address, health string, args ...string) *Server {
	t.Helper()
	return ServeAs(t, func(*exec.Cmd) {}, address, health, args...)
}

// ServeAs is ServeWatched of a process that set has changed before it starts, such as
// one in a container.
func ServeAs(t *testing.T, set func(*exec.Cmd), address, health string, args ...string) *Server {
	t.Helper()
	p := Start(t, set, address, args...)
	services := []string{""}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--model") }) {
		services = append(services, lastBuiltIn)
	}
	for _, service := range services {
		if err := waitServing(t.Context(), health, service); err != nil {
			p.Kill()
			t.Fatalf("server does not serve %q: %v\n%s", service, err, p.Log)
		}
	}
	return p
}

// lastBuiltIn is the health service of the built-in model that is loaded last, while
// the first one answers: tests that compare drawings want it.
const lastBuiltIn = "siamese.v1.SiameseService/omniglot"

// Start is ServeAs without waiting, for servers that may not come to serve.
func Start(t *testing.T, set func(*exec.Cmd), address string, args ...string) *Server {
	t.Helper()
	p := &Server{Cmd: Command(t, append([]string{"serve", "--addr", address}, args...)...), Log: NewLog(), Address: address}
	p.Cmd.Stderr = p.Log
	set(p.Cmd)
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// Kill ends the server without a word to its clients. A server that has ended is
// left alone.
func (p *Server) Kill() {
	if p.Cmd.ProcessState == nil {
		_ = p.Cmd.Process.Kill()
		_ = p.Cmd.Wait()
	}
}

// Signal sends a signal, waits for the end and returns the exit code.
func (p *Server) Signal(t *testing.T, signal syscall.Signal) int {
	t.Helper()
	if err := p.Cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = p.Cmd.Wait() // the code says what there is to say
	return p.Cmd.ProcessState.ExitCode()
}

// WaitServing waits until the server at an address serves, with both built-in models
// where it has them.
func WaitServing(t *testing.T, address string) {
	t.Helper()
	for _, service := range []string{"", lastBuiltIn} {
		if err := waitServing(t.Context(), address, service); err != nil {
			t.Fatalf("server does not serve %q: %v", service, err)
		}
	}
}

// waitServing watches the health of a service until it says SERVING, or that there is no
// such service: where memory is short a model is left out.
func waitServing(ctx context.Context, address, service string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	for {
		watch, err := healthpb.NewHealthClient(connection).Watch(ctx, &healthpb.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
		for err == nil {
			var reply *healthpb.HealthCheckResponse
			reply, err = watch.Recv()
			switch reply.GetStatus() {
			case healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_SERVICE_UNKNOWN:
				return nil
			}
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// Log is what a process writes. It can be read while the process runs.
type Log struct {
	mu   sync.Mutex // guards all below
	text bytes.Buffer
	seen int           // bytes up to the end of what WaitFor found last
	more chan struct{} // closed at the next Write
}

// NewLog returns a log that is empty.
func NewLog() *Log { return &Log{more: make(chan struct{})} }

// Write implements io.Writer.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(text)
}

// String is what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// WaitFor waits until the log has the words after those that the call before waited
// for.
func (l *Log) WaitFor(t *testing.T, words string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		found, more := l.find(words)
		if found {
			return
		}
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("the log does not say %q:\n%s", words, l)
		}
	}
}

func (l *Log) find(words string) (found bool, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := strings.Index(l.text.String()[l.seen:], words)
	if at >= 0 {
		l.seen += at + len(words)
	}
	return at >= 0, l.more
}

// WaitForLine reads a process's output until it has the words in it.
func WaitForLine(t *testing.T, log io.Reader, words string) {
	t.Helper()
	var seen strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(seen.String(), words) {
		n, err := log.Read(buffer)
		seen.Write(buffer[:n])
		if err != nil {
			t.Fatalf("the log ended with %v before %q:\n%s", err, words, seen.String())
		}
	}
}

// Dial connects to a server of the test in plain text.
func Dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// Metrics is the text of /metrics at a server's health address.
func Metrics(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
