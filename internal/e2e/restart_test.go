package e2e_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health" // client-side health checking
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// rollingClient has calls go round the instances whose health says SERVING, and
// repeats one that was UNAVAILABLE once, as the documentation advises.
const rollingClient = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "siamese.v1.SiameseService"},
	"methodConfig": [{
		"name": [{"service": "siamese.v1.SiameseService"}],
		"waitForReady": true,
		"retryPolicy": {"maxAttempts": 2, "initialBackoff": "0.05s", "maxBackoff": "0.05s",
			"backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}
	}]
}`

// TestRollingRestarts restarts one of two instances after the other under load;
// RESTARTS is how often (default 3). No call fails.
func TestRollingRestarts(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	flags := []string{"--model", models, "--drain-delay", "200ms"}
	instances := []*proctest.Server{proctest.Serve(t, flags...), proctest.Serve(t, flags...)}
	addresses := manual.NewBuilderWithScheme("instances")
	addresses.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: instances[0].Address}, {Addr: instances[1].Address}}})
	connection := proctest.Dial(t, "instances:///all", grpc.WithResolvers(addresses), grpc.WithDefaultServiceConfig(rollingClient),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}))
	load := fixture.StartLoad(t, 2, siamesev1.NewSiameseServiceClient(connection))
	restarts := fixture.Count(t, "RESTARTS", 3)
	for i := range restarts {
		old := instances[i%2]
		if code := old.Signal(t, syscall.SIGTERM); code != 0 {
			t.Errorf("restart %d: exit code %d, want 0\n%s", i+1, code, old.Log)
		}
		instances[i%2] = proctest.ServeAt(t, old.Address, flags...)
	}
	figures := load.Stop()
	t.Logf("%d rolling restarts: %s", restarts, figures)
	for i, instance := range instances {
		if code := instance.Signal(t, syscall.SIGTERM); code != 0 {
			t.Errorf("instance %d at the end: exit code %d, want 0\n%s", i, code, instance.Log)
		}
	}
}

// TestSecondSignalStopsAtOnce: who will not wait for the calls under way says
// so twice.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	server := proctest.Serve(t, "--stream-grace", "60s", "--stop-timeout", "60s")
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	stream, err := service.StreamCompare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opening := &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{Opening: &siamesev1.StreamOpening{}}}
	if err := stream.Send(opening); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := server.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, err := stream.Recv(); err != nil || got.GetDraining() == nil {
		t.Fatalf("after the first signal = %v, %v; want Draining", got, err)
	}
	started := time.Now()
	server.Signal(t, syscall.SIGTERM)
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("the program went on for %v after the second signal, want it to end", took)
	}
	state, ok := server.Cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !state.Signaled() || state.Signal() != syscall.SIGTERM {
		t.Errorf("the program ended as %v, want by the signal", server.Cmd.ProcessState)
	}
}
