package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	adminv1 "siamese/proto/siamese/admin/v1"
	siamesev1 "siamese/proto/siamese/v1"
)

// modelHealth watches the health of a model, or of the server for an empty name, until
// it is want.
func modelHealth(t *testing.T, address, model string, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	service := "siamese.v1.SiameseService"
	if model != "" {
		service += "/" + model
	}
	watch, err := healthpb.NewHealthClient(proctest.Dial(t, address)).Watch(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	for {
		got, err := watch.Recv()
		if err != nil {
			t.Fatalf("waiting for health of %q to be %v: %v", service, want, err)
		}
		if got.GetStatus() == want {
			return
		}
	}
}

// reference is the version that a name stands for; its error's code where there is
// none.
func reference(t *testing.T, service siamesev1.SiameseServiceClient, name string) (version, digest string, code codes.Code) {
	t.Helper()
	got, err := service.GetServerInfo(t.Context(), &siamesev1.GetServerInfoRequest{Model: name})
	return got.GetModel().GetReference().GetVersion(), got.GetModel().GetReference().GetDigest(), status.Code(err)
}

// breakVersion damages a version's weights.
func breakVersion(t *testing.T, version string) {
	t.Helper()
	if err := os.Truncate(filepath.Join(version, "variables", "variables.data-00000-of-00001"), 1<<20); err != nil {
		t.Fatal(err)
	}
}

// keepAsking embeds by one model, over and over, until stop is called, which returns how
// often; each answer must be of the one digest.
func keepAsking(t *testing.T, service siamesev1.SiameseServiceClient, model, digest string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	request := &siamesev1.EmbedRequest{Model: model, Images: []*siamesev1.Image{fixture.Encoded(t, proctest.GlyphA)}}
	var work sync.WaitGroup
	calls := 0
	work.Go(func() {
		for ; ctx.Err() == nil; calls++ {
			got, err := service.Embed(context.WithoutCancel(ctx), request)
			if err != nil || got.GetModel().GetDigest() != digest {
				t.Errorf("call of model %s = %v, %v; want one of digest %s", model, got.GetModel(), err, digest)
				return
			}
		}
	})
	return func() int {
		cancel()
		work.Wait()
		return calls
	}
}

// TestModelsSideBySide: one model is renewed, refused and rolled back while the other
// answers as before; a third one is broken and leaves both alone until it is mended.
func TestModelsSideBySide(t *testing.T) {
	models, spare := t.TempDir(), t.TempDir()
	birds, fish, broken := filepath.Join(models, "birds"), filepath.Join(models, "fish"), filepath.Join(models, "broken")
	fixture.ExportVersion(t, birds, "1", 1)
	fixture.ExportVersion(t, spare, "2", 2)
	fixture.ExportVersion(t, fish, "1", 3)
	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(broken, "1"))
	breakVersion(t, filepath.Join(broken, "1"))
	admin, health := proctest.FreeAddress(t), proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", birds, "--model", "pike="+fish, "--model", "broken="+broken,
		"--label", "pike/stable=1", "--reload-period", "50ms", "--admin-addr", admin, "--health-addr", health)
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	modelHealth(t, health, "pike", healthpb.HealthCheckResponse_SERVING)
	server.Log.WaitFor(t, `msg="model not served" serving_name=broken`)

	_, pike, _ := reference(t, service, "pike")
	_, first, _ := reference(t, service, "")
	if pike == first {
		t.Error("both models have the same digest, want each its own")
	}
	for name, want := range map[string]codes.Code{
		"birds": codes.OK, "birds/1": codes.OK, "1": codes.OK, "pike/1": codes.OK, "pike/stable": codes.OK,
		"stable": codes.NotFound, "birds/stable": codes.NotFound, "pike/2": codes.NotFound, "fish": codes.NotFound, "auto": codes.NotFound,
		"broken": codes.Unavailable, "broken/1": codes.Unavailable,
	} {
		if _, _, code := reference(t, service, name); code != want {
			t.Errorf("model %q = %v, want %v", name, code, want)
		}
	}
	stop := keepAsking(t, service, "pike", pike)

	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(birds, "2"))
	answeredBy(t, service, "2")
	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(birds, "3"))
	breakVersion(t, filepath.Join(birds, "3"))
	if _, err := control.LoadVersion(t.Context(), &adminv1.LoadVersionRequest{Version: "3"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("LoadVersion of what is damaged = %v, want FAILED_PRECONDITION", err)
	}
	back, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Model: "birds", Version: "1"})
	if err != nil || back.GetVersion().GetDigest() != first || back.GetVersion().GetModel() != "birds" {
		t.Errorf("SetDefault of birds = %v, %v; want its version 1", back, err)
	}
	answeredBy(t, service, "1")
	if _, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Model: "fish", Version: "1"}); status.Code(err) != codes.NotFound {
		t.Errorf("SetDefault of a model that there is not = %v, want NOT_FOUND", err)
	}

	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(broken, "2"))
	modelHealth(t, health, "broken", healthpb.HealthCheckResponse_SERVING)
	listed, err := control.ListModels(t.Context(), &adminv1.ListModelsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, model := range listed.GetModels() {
		told = append(told, model.GetName()+"/"+model.GetDefaultVersion())
	}
	if got, want := strings.Join(told, " "), "birds/1 pike/1 broken/2"; got != want {
		t.Errorf("ListModels = %s, want %s", got, want)
	}
	t.Logf("%d calls of one model while the others changed", stop())

	metrics := proctest.Metrics(t, health)
	for _, want := range []string{
		`siamese_model_loads_total{model="broken",result="failed"} 1`, `siamese_model_loads_total{model="pike",result="ok"} 1`,
		`siamese_model_loads_total{model="pike",result="failed"} 0`, `siamese_model_serving{model="broken"} 1`,
		`siamese_images_encoded_total{model="pike"} 1`, // the others are in its cache
		`model="birds",name="small",precision="float32",version="1"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %q:\n%s", want, metrics)
		}
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

// TestDefaultModelThatDoesNotHold: the others serve, and health of the whole says no.
func TestDefaultModelThatDoesNotHold(t *testing.T) {
	fish := filepath.Join(t.TempDir(), "fish")
	fixture.ExportVersion(t, fish, "1", 3)
	address := proctest.FreeAddress(t)
	server := proctest.Start(t, func(*exec.Cmd) {}, address, "--http-addr", "", "--model", "gone=/nowhere", "--model", fish)
	server.Log.WaitFor(t, "msg=ready serving_name=fish")
	modelHealth(t, address, "fish", healthpb.HealthCheckResponse_SERVING)
	modelHealth(t, address, "gone", healthpb.HealthCheckResponse_NOT_SERVING)
	modelHealth(t, address, "", healthpb.HealthCheckResponse_NOT_SERVING)
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, address))
	if _, _, code := reference(t, service, "fish"); code != codes.OK {
		t.Errorf("the model that holds = %v, want OK", code)
	}
	if _, _, code := reference(t, service, ""); code != codes.Unavailable {
		t.Errorf("the default model = %v, want UNAVAILABLE", code)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

func TestServeRefusesModels(t *testing.T) {
	tests := []struct {
		give     []string
		want     []string
		wantCode int
	}{
		{[]string{"--model=7=x"}, []string{`--model 7=x: server: model name "7": expected a letter`}, 2},
		{[]string{"--model=a=x", "--default-model=b"}, []string{`--default-model: received model "b", expected one of a`}, 2},
		{[]string{"--model=a=/nowhere", "--model=b=/elsewhere"}, []string{"--model /nowhere: there is no such file or folder", "--model /elsewhere: there is no such file or folder"}, 1},
		{[]string{"--model=omniglot", "--model-version=omniglot=7"}, []string{`no such version: "7"`}, 1},
	}
	for _, tt := range tests {
		args := append([]string{"serve", "--addr=127.0.0.1:0", "--http-addr=", "--log-level=error"}, tt.give...)
		_, stderr, code := proctest.Run(t, "", args...)
		for _, want := range tt.want {
			if code != tt.wantCode || !strings.Contains(stderr, want) {
				t.Errorf("serve %q = %q, exit code %d; want %q and %d", tt.give, stderr, code, want, tt.wantCode)
			}
		}
	}
}

// TestModelsAreListed: what is built in, and what a server serves.
func TestModelsAreListed(t *testing.T) {
	small, digest := fixture.SmallModel(t, 1)
	server := proctest.Serve(t, "--model", "tiny="+small)
	var got struct {
		Models []struct {
			Where, Name, Version, Digest, Device string
			InputWidth                           int `json:"input_width"`
			EmbeddingLength                      int `json:"embedding_length"`
		}
		DefaultModel string `json:"default_model"`
	}
	stdout := proctest.Succeed(t, "models", "--server", server.Address, "--json")
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Models) < 2 {
		t.Fatalf("models --json = %q, %v; want at least two models", stdout, err)
	}
	if m := got.Models[0]; m.Where != "built in" || m.Name == "" || len(m.Digest) != 64 || m.Device != "" {
		t.Errorf("first model = %+v, want a built-in one", m)
	}
	last := got.Models[len(got.Models)-1]
	if last.Where != "served" || last.Name != "tiny" || last.Version != "1" || last.Digest != digest || last.Device != "cpu" ||
		last.InputWidth != fixture.SmallSide || got.DefaultModel != "tiny" {
		t.Errorf("last model = %+v, default %q; want tiny of digest %s", last, got.DefaultModel, digest)
	}
	table := proctest.Succeed(t, "models", "--server", server.Address)
	for _, want := range []string{"built in  ", "served    tiny", "32×32", digest[:12], "calls that name no model are answered by tiny\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("models prints no %q:\n%s", want, table)
		}
	}
	if _, stderr, code := proctest.Run(t, "", "models", "--server", proctest.FreeAddress(t), "--timeout", "5s"); code != 1 || !strings.Contains(stderr, "server ") {
		t.Errorf("models of a server that is away = %q, exit code %d; want 1 and which", stderr, code)
	}
}
