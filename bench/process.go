package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// startTimeout is how long a server may take before it is given up.
const startTimeout = 2 * time.Minute

// Server is a server of the bench's own.
type Server struct {
	command *exec.Cmd
	ended   chan error    // gives the process's end, once
	log     *bytes.Buffer // complete once the process has ended
	address string
	// startSeconds is from the start of the process to health SERVING.
	startSeconds float64
}

// StartServer starts a server on a free port and waits until it serves.
func StartServer(ctx context.Context, command []string) (*Server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	server := &Server{ended: make(chan error, 1), log: new(bytes.Buffer), address: address}
	arguments := append(append([]string(nil), command[1:]...), address)
	server.command = exec.CommandContext(ctx, command[0], arguments...)
	server.command.Stderr = server.log
	EndWithParent(server.command)
	begin := time.Now()
	if err := server.command.Start(); err != nil {
		return nil, err
	}
	waiting, giveUp := context.WithTimeout(ctx, startTimeout)
	defer giveUp()
	go func() {
		server.ended <- server.command.Wait()
		giveUp()
	}()
	if err := waitServing(waiting, address); err != nil {
		_ = server.command.Process.Kill() // it may have ended by itself
		return nil, fmt.Errorf("%w: %w: %s", err, <-server.ended, server.log)
	}
	server.startSeconds = time.Since(begin).Seconds()
	return server, nil
}

// EndWithParent has a process that is about to be started killed when this one
// ends without stopping it, such as by kill -9: it would go on for nobody, on the
// device that is measured.
func EndWithParent(command *exec.Cmd) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// freeAddress is a loopback address that nobody listens on at the moment.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// waitServing waits until the server's health says SERVING.
func waitServing(ctx context.Context, address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for {
		reply, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{})
		if err == nil && reply.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
		connection.ResetConnectBackoff() // the server is about to listen: no use in waiting longer each time
		select {
		case <-ctx.Done():
			return fmt.Errorf("server at %s does not serve: %w", address, errors.Join(ctx.Err(), err))
		case <-pause.C:
		}
	}
}

// Address is where it serves, host:port.
func (s *Server) Address() string { return s.address }

// Process is the server's process id.
func (s *Server) Process() int { return s.command.Process.Pid }

// Stop ends the server in its own way and waits for it.
func (s *Server) Stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-s.ended
}

// residentMB is the server's resident memory in MB (10⁶ bytes).
func (s *Server) residentMB() (float64, error) {
	return MemoryMB(s.command.Process.Pid, "VmRSS")
}

// MemoryMB is a figure of a process's memory, by its name in /proc, in MB: VmRSS
// is what is resident now, VmHWM the most that ever was.
func MemoryMB(process int, name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("resident memory: /proc names no %s", name)
}
