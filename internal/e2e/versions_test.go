package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	adminv1 "siamese/proto/siamese/admin/v1"
	siamesev1 "siamese/proto/siamese/v1"
)

// answeredBy waits until a call is answered by a version, and wants that to be
// want.
func answeredBy(t *testing.T, service siamesev1.SiameseServiceClient, want string) *siamesev1.EmbedResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		got, err := service.Embed(ctx, &siamesev1.EmbedRequest{Images: []*siamesev1.Image{fixture.Encoded(t, proctest.GlyphA)}})
		if err != nil {
			t.Fatalf("waiting for version %s: %v", want, err)
		}
		if got.GetModel().GetVersion() == want {
			return got
		}
	}
}

// TestVersionsUnderLoad goes through an operator's day: a new version is copied
// in, one comes damaged, one is rolled back. No call fails.
func TestVersionsUnderLoad(t *testing.T) {
	models, spare := filepath.Join(t.TempDir(), "small"), t.TempDir()
	fixture.ExportVersion(t, models, "1", 1)
	fixture.ExportVersion(t, spare, "2", 2)
	admin := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", models, "--reload-period", "50ms", "--admin-addr", admin)
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	first := answeredBy(t, service, "1").GetResults()[0].GetEmbedding()
	load := fixture.StartLoad(t, 2, service)

	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(models, "2"))
	second := answeredBy(t, service, "2").GetModel().GetDigest()
	if second == first.GetModelDigest() {
		t.Error("version 2 has the digest of version 1, want its own")
	}
	old := &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: first}}
	_, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: old, ImageB: old})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "expected one of model") {
		t.Errorf("embedding of version 1 after the swap = %v, want FAILED_PRECONDITION", err)
	}

	damaged := filepath.Join(t.TempDir(), "3")
	fixture.CopyVersion(t, filepath.Join(spare, "2"), damaged)
	if err := os.Truncate(filepath.Join(damaged, "variables", "variables.data-00000-of-00001"), 1<<20); err != nil {
		t.Fatal(err)
	}
	fixture.CopyVersion(t, damaged, filepath.Join(models, "3"))
	listed, err := control.Reload(t.Context(), &adminv1.ReloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listed.GetVersions()[0]; got.GetVersion() != "3" || got.GetState() != adminv1.VersionState_VERSION_STATE_FAILED ||
		!strings.Contains(got.GetReason(), "variables.data-00000-of-00001 is damaged or half-written") {
		t.Errorf("version 3 = %v, want it failed and why", got)
	}
	answeredBy(t, service, "2")

	back, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: "1"})
	if err != nil || back.GetVersion().GetDigest() != first.GetModelDigest() {
		t.Errorf("SetDefault(1) = %v, %v; want version 1", back, err)
	}
	answeredBy(t, service, "1")
	if _, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: old, ImageB: old}); err != nil {
		t.Errorf("embedding of version 1 after rolling back = %v, want an answer", err)
	}
	t.Logf("swap, damaged version and roll back under load: %s", load.Stop())
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	for _, want := range []string{"msg=ready serving_name=small version=2 before=1 labels=map[] model.name=small model.device=cpu", `msg="version refused" serving_name=small version=3`, `msg="version unloaded" serving_name=small version=1`, "rpc=/siamese.admin.v1.AdminService/SetDefault"} {
		if !strings.Contains(server.Log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, server.Log)
		}
	}
}

// TestServeChoosesByFlags: pinned, labelled, and the next lower where the latest
// does not hold.
func TestServeChoosesByFlags(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "2"))
	if err := os.MkdirAll(filepath.Join(models, "3"), 0o755); err != nil { // a copy that has just begun
		t.Fatal(err)
	}
	tests := []struct {
		give, wantDefault, wantCanary string
	}{
		{"--model-version=1", "1", ""},
		{"--model-version=stable --label=stable=1 --label=canary=2", "1", "2"},
		{"--label=canary=latest", "2", "2"},
	}
	for _, tt := range tests {
		server := proctest.Serve(t, append(strings.Fields(tt.give), "--model", models)...)
		service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
		version := func(name string) string {
			got, err := service.GetServerInfo(t.Context(), &siamesev1.GetServerInfoRequest{Model: name})
			if err != nil {
				return ""
			}
			return got.GetModel().GetReference().GetVersion()
		}
		if got, canary := version(""), version("canary"); got != tt.wantDefault || canary != tt.wantCanary {
			t.Errorf("serve %s: default %q, canary %q; want %q, %q", tt.give, got, canary, tt.wantDefault, tt.wantCanary)
		}
		if code := server.Signal(t, syscall.SIGTERM); code != 0 {
			t.Errorf("serve %s: exit code %d, want 0\n%s", tt.give, code, server.Log)
		}
	}
	refused := []struct {
		give     string
		want     string
		wantCode int
	}{
		{"--model-version=3", "version 3 does not hold: model refused", 1},
		{"--model-version=7", `no such version: "7"`, 1},
		{"--label=7=1", "expected a letter", 2},
		{"--max-models=1", "MaxLoaded is 1", 2},
		{"--admin-addr=nowhere", "--admin-addr: ", 1},
	}
	for _, tt := range refused {
		_, stderr, code := proctest.Run(t, "", "serve", "--addr=127.0.0.1:0", "--http-addr=", "--log-level=error", "--model", models, tt.give)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("serve %s = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
	}
}

// TestMemoryComesBackAfterReloads; RELOADS is how many (default 6).
func TestMemoryComesBackAfterReloads(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "2"))
	admin := proctest.FreeAddress(t)
	proctest.Serve(t, "--model", models, "--admin-addr", admin, "--reload-period", "0")
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	resident := func() int64 {
		for { // until the old model is freed
			got, err := control.GetStatus(t.Context(), &adminv1.GetStatusRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetLoadedModels() == 1 {
				return int64(got.GetResidentBytes())
			}
		}
	}
	reload := func(times int) int64 {
		for i := range times {
			if _, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: strconv.Itoa(1 + i%2)}); err != nil {
				t.Fatal(err)
			}
			resident()
		}
		return resident()
	}
	begin := resident()
	settled := reload(4)
	times := fixture.Count(t, "RELOADS", 6)
	end := reload(times)
	t.Logf("resident: %d MB at the start, %d MB after 4 reloads, %d MB after %d more", begin>>20, settled>>20, end>>20, times)
	if growth := end - settled; growth > fixture.ReloadGrowth {
		t.Errorf("resident memory grew by %d MB over %d reloads, want at most %d", growth>>20, times, fixture.ReloadGrowth>>20)
	}
}
