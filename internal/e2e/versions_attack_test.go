package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"siamese/client"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	adminv1 "siamese/proto/siamese/admin/v1"
	siamesev1 "siamese/proto/siamese/v1"
)

// TestVersionOfOtherThanFiles: a version with a pipe, or a link to a device, where
// a file should be is refused at once, and neither a roll-back nor the stop waits.
func TestVersionOfOtherThanFiles(t *testing.T) {
	const variables = "variables/variables.data-00000-of-00001"
	tests := []struct {
		give, file string
		make       func(path string) error
		want       string
	}{
		{"pipe beside the files", "assets.extra/golden/pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, "is not named in its card"},
		{"pipe as a file", variables, func(path string) error { return syscall.Mkfifo(path, 0o600) }, "received a named pipe"},
		{"pipe as the card", "assets.extra/model.json", func(path string) error { return syscall.Mkfifo(path, 0o600) }, "received a named pipe"},
		{"link to a device", variables, func(path string) error { return os.Symlink("/dev/zero", path) }, "received a device"},
		{"link to itself", "saved_model.pb", func(path string) error { return os.Symlink("saved_model.pb", path) }, "it holds neither saved_model.pb"},
		{"larger than any model", variables, func(path string) error {
			file, err := os.Create(path)
			return errors.Join(err, file.Truncate(1<<40), file.Close())
		}, "expected at most 4294967296"},
	}
	models, spare := filepath.Join(t.TempDir(), "small"), t.TempDir()
	fixture.ExportVersion(t, models, "1", 1)
	admin := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", models, "--reload-period", "100ms", "--admin-addr", admin)
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	for i, tt := range tests {
		version := strconv.Itoa(i + 2)
		made := filepath.Join(spare, version)
		fixture.CopyVersion(t, filepath.Join(models, "1"), made)
		_ = os.Remove(filepath.Join(made, tt.file))
		if err := tt.make(filepath.Join(made, tt.file)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(made, filepath.Join(models, version)); err != nil {
			t.Fatal(err)
		}
		_, err := control.LoadVersion(t.Context(), &adminv1.LoadVersionRequest{Version: version})
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: LoadVersion = %v, want it refused with %q", tt.give, err, tt.want)
		}
		if _, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: "1"}); err != nil {
			t.Errorf("%s: SetDefault(1) = %v, want none", tt.give, err)
		}
		answeredBy(t, service, "1")
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

// TestVersionThatComesInAShortage: while the process has no file descriptor to
// spare a new version can't be read. It is not refused, and serves when there are
// some again.
func TestVersionThatComesInAShortage(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	admin := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", models, "--reload-period", "0", "--admin-addr", admin)
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	if _, err := control.Reload(t.Context(), &adminv1.ReloadRequest{}); err != nil { // the connection is there
		t.Fatal(err)
	}
	fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "2"))
	// Every number of descriptors to spare meets the load at another place.
	for spare := 1; spare <= 6; spare++ {
		lacking := limitFiles(t, server, spare)
		reply, err := control.LoadVersion(t.Context(), &adminv1.LoadVersionRequest{Version: "2"})
		limitFiles(t, server, -1)
		t.Logf("%d descriptors to spare of %d: %v", spare, lacking, err)
		if err == nil {
			if spare == 1 {
				t.Errorf("with one descriptor to spare LoadVersion = %v, want an error", reply)
			}
			break
		}
		listed, listErr := control.ListVersions(t.Context(), &adminv1.ListVersionsRequest{})
		if listErr != nil {
			t.Fatal(listErr)
		}
		two := listed.GetVersions()[0]
		if strings.HasPrefix(status.Convert(err).Message(), "versions of ") {
			continue // the folder itself could not be looked at
		}
		if status.Code(err) != codes.Unavailable || two.GetNextTry() == nil && two.GetState() != adminv1.VersionState_VERSION_STATE_SERVING {
			t.Errorf("%d descriptors to spare: LoadVersion = %v, version 2 = %v; want UNAVAILABLE and another try", spare, err, two)
		}
	}
	// Of itself: nobody looks at the folder.
	fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "3"))
	limitFiles(t, server, 1)
	_, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: "latest"})
	limitFiles(t, server, -1)
	t.Logf("SetDefault(latest) in a shortage: %v", err)
	answeredBy(t, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)), "3")
	if !strings.Contains(server.Log.String(), `msg="version could not be loaded and is tried again" serving_name=small version=`) {
		t.Errorf("the log does not tell of another try:\n%s", server.Log)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

// limitFiles leaves a process this many file descriptors to spare; below 0 as many
// as there may be. It returns the limit.
func limitFiles(t *testing.T, server *proctest.Server, spare int) uint64 {
	t.Helper()
	limit := unix.Rlimit{Cur: 4096, Max: 4096}
	var before unix.Rlimit
	if err := unix.Prlimit(server.Cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	limit.Max = before.Max
	if limit.Cur = min(4096, before.Max); spare >= 0 {
		used := make(map[string]bool)
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", server.Cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			used[entry.Name()] = true
		}
		limit.Cur = 0
		for free := 0; free < spare; limit.Cur++ {
			if !used[strconv.FormatUint(limit.Cur, 10)] {
				free++
			}
		}
	}
	if err := unix.Prlimit(server.Cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	return limit.Cur
}

// TestIdleStreamsDoNotHoldVersions: with a silent stream open on each of more
// versions than may be in memory, every new one is served and the first one can be
// rolled back to. The streams are told and ended.
func TestIdleStreamsDoNotHoldVersions(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	admin := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", models, "--reload-period", "100ms", "--stream-grace", "1s", "--admin-addr", admin, "--max-models", "3")
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	control := adminv1.NewAdminServiceClient(proctest.Dial(t, admin))
	var streams []siamesev1.SiameseService_StreamCompareClient
	open := func(want string) {
		stream, err := service.StreamCompare(t.Context())
		if err == nil {
			err = stream.Send(&siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{Opening: &siamesev1.StreamOpening{}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		if message, err := stream.Recv(); err != nil || message.GetOpened().GetModel().GetVersion() != want {
			t.Fatalf("stream opened with %v, %v; want version %s", message, err, want)
		}
		streams = append(streams, stream)
	}
	open("1")
	for version := 2; version <= 7; version++ {
		name := strconv.Itoa(version)
		fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, name))
		answeredBy(t, service, name)
		open(name)
	}
	if _, err := control.SetDefault(t.Context(), &adminv1.SetDefaultRequest{Version: "1"}); err != nil {
		t.Errorf("roll back to version 1 = %v, want none", err)
	}
	answeredBy(t, service, "1")
	for i, stream := range streams {
		message, err := stream.Recv()
		if err != nil || message.GetDraining() == nil {
			t.Errorf("stream of version %d: %v, %v; want draining", i+1, message, err)
			continue
		}
		if _, err := stream.Recv(); status.Code(err) != codes.Unavailable || errors.Is(err, io.EOF) {
			t.Errorf("stream of version %d ended with %v, want UNAVAILABLE", i+1, err)
		}
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

// TestLiveGoesOnAcrossVersions: a client that has frames scored is told that the
// version goes, opens a stream on the new one and loses no frame.
func TestLiveGoesOnAcrossVersions(t *testing.T) {
	models := filepath.Join(t.TempDir(), "small")
	fixture.ExportVersion(t, models, "1", 1)
	server := proctest.Serve(t, "--model", models, "--reload-period", "100ms")
	connection, err := client.New(server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	picture := proctest.ReadFile(t, proctest.GlyphA)
	live, err := connection.Live(t.Context(), client.LiveConfig{References: []client.Reference{{Name: "a", Image: picture}}})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	swapped, scored, frame := false, int64(-1), client.Frame{ID: 1, Image: picture}
	live.Offer(frame)
	for update := range live.Updates() {
		stats := live.Stats()
		if stats.Failed > 0 {
			t.Fatalf("a frame was lost: %+v, %+v", stats, update)
		}
		if stats.Scored > 0 && !swapped {
			fixture.CopyVersion(t, filepath.Join(models, "1"), filepath.Join(models, "2"))
			swapped = true
		}
		if stats.Reconnects > 0 && scored < 0 {
			scored = stats.Scored
		}
		if scored >= 0 && stats.Scored > scored {
			return
		}
		frame.ID++
		live.Offer(frame)
	}
	t.Errorf("the client ended: %+v", live.State())
}
