package e2e_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"siamese/internal/proctest"
)

// notifySocket is the socket at which systemd would be told of a service.
type notifySocket struct {
	path string
	conn *net.UnixConn
	told []string
}

func listenAsSystemd(t *testing.T) *notifySocket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &notifySocket{path: path, conn: conn}
}

// waitFor reads until an assignment such as READY=1 comes.
func (s *notifySocket) waitFor(t *testing.T, assignment string) {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := s.conn.Read(buffer)
		if err != nil {
			t.Fatalf("systemd was told %q, %v; want %s", s.told, err, assignment)
		}
		lines := strings.Split(string(buffer[:n]), "\n")
		s.told = append(s.told, lines...)
		if slices.Contains(lines, assignment) {
			return
		}
	}
}

// TestServeTellsSystemd: READY not before health says SERVING, answers to the watchdog,
// and STOPPING at SIGTERM.
func TestServeTellsSystemd(t *testing.T) {
	socket := listenAsSystemd(t)
	address := proctest.FreeAddress(t)
	p := proctest.Start(t, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+socket.path, "WATCHDOG_USEC=200000")
	}, address, "--http-addr", "", "--model", "omniglot")
	socket.waitFor(t, "STATUS=loading the models")
	socket.waitFor(t, "READY=1")
	health, err := healthpb.NewHealthClient(proctest.Dial(t, address)).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health once systemd was told READY = %v, %v; want SERVING", health, err)
	}
	socket.waitFor(t, "WATCHDOG=1")
	if code := p.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, p.Log)
	}
	socket.waitFor(t, "STOPPING=1")
	if !slices.Contains(socket.told, "STATUS=draining") {
		t.Errorf("systemd was told %q, want STATUS=draining in it", socket.told)
	}
}

// TestServeThatCannotStartIsNotReady to systemd.
func TestServeThatCannotStartIsNotReady(t *testing.T) {
	socket := listenAsSystemd(t)
	broken := t.TempDir() // no model
	cmd := proctest.Command(t, "serve", "--addr", proctest.FreeAddress(t), "--http-addr", "", "--model", broken)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+socket.path)
	if _, stderr, code := proctest.ToEnd(t, cmd); code == 0 {
		t.Fatalf("serve without a model ended with 0: %s", stderr)
	}
	if err := socket.conn.SetReadDeadline(time.Now()); err != nil { // what was told is there already
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for n, err := socket.conn.Read(buffer); err == nil; n, err = socket.conn.Read(buffer) {
		if strings.Contains(string(buffer[:n]), "READY=1") {
			t.Errorf("systemd was told %q by a server that could not start", buffer[:n])
		}
	}
}

// TestUnit: systemd understands the unit, and finds it as little exposed as it was made.
func TestUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skipf("the unit is not checked: %v (apt-get install systemd)", err)
	}
	text := string(proctest.ReadFile(t, filepath.Join(proctest.Root, "deploy/systemd/siamese.service")))
	const program = "/usr/bin/siamese"
	if !strings.Contains(text, "ExecStart="+program+" ") {
		t.Fatalf("the unit doesn't start %s", program)
	}
	built, err := filepath.Abs(proctest.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "siamese.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(text, program, built)), 0o644); err != nil {
		t.Fatal(err)
	}
	// The threshold is ten times the exposure, of which 10 is all there is.
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=true", "--no-pager", "--threshold=15"}} {
		said, err := exec.Command(analyze, append(args, unit)...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(said) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, said)
		}
	}
}
