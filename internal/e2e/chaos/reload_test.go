package chaos_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	adminv1 "siamese/proto/siamese/admin/v1"
	siamesev1 "siamese/proto/siamese/v1"
)

// TestReloadsUnderLoad swaps versions while clients call, and has a corrupt one
// come in the middle: no call fails, and memory stays.
func TestReloadsUnderLoad(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "2"))
	admin := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", models, "--admin-addr", admin, "--reload-period", "0")
	r := &reloader{control: adminv1.NewAdminServiceClient(proctest.Dial(t, admin))}
	load := fixture.StartLoad(t, 2, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)))

	// The allocator finds its level in the first fifth.
	times := byForm(5, 100)
	settled := r.reload(t, times/5)
	r.reload(t, times/2-times/5)
	r.refuseCorrupt(t, models)
	end := r.reload(t, times-times/2)
	figure(t, "%d reloads under load, a corrupt one among them: %s; resident %d MB at reload %d, %d MB at %d (bar %d more)",
		times, load.Stop(), settled>>20, times/5, end>>20, times, fixture.ReloadGrowth>>20)
	longBar(t, end-settled <= fixture.ReloadGrowth, "resident memory grew by %d MB, want at most %d", (end-settled)>>20, fixture.ReloadGrowth>>20)
}

// reloader swaps versions 1 and 2.
type reloader struct {
	control adminv1.AdminServiceClient
	done    int
}

// reload swaps the given number of times and returns the resident bytes with one model
// loaded.
func (r *reloader) reload(t *testing.T, times int) int64 {
	t.Helper()
	for range times {
		version := strconv.Itoa(1 + r.done%2)
		r.done++
		if _, err := r.control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: version}); err != nil {
			t.Fatal(err)
		}
		r.resident(t)
	}
	return r.resident(t)
}

// resident waits until the model that was swapped out is freed.
func (r *reloader) resident(t *testing.T) int64 {
	t.Helper()
	for {
		got, err := r.control.GetStatus(t.Context(), &adminv1.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got.GetLoadedModels() == 1 {
			return int64(got.GetResidentBytes())
		}
	}
}

// refuseCorrupt copies in a version that lacks most of its weights and wants it
// refused.
func (r *reloader) refuseCorrupt(t *testing.T, models string) {
	t.Helper()
	corrupt := filepath.Join(t.TempDir(), "3")
	fixture.CopyVersion(t, filepath.Join(models, "1"), corrupt)
	if err := os.Truncate(filepath.Join(corrupt, "variables", "variables.data-00000-of-00001"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(corrupt, filepath.Join(models, "3")); err != nil {
		t.Fatal(err)
	}
	if got, err := r.control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: "3"}); err == nil {
		t.Errorf("SetDefault of a corrupt version = %v, want it refused", got)
	}
}
