package server_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/testing/protocmp"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server"
	"siamese/server/admin"
)

// newAdmin is an admin service over a server's only model.
func newAdmin(v *versioned, cfg admin.Config) *admin.Service {
	return admin.New([]admin.Model{{Name: modelInfo.Name, Versions: v.manager}}, modelInfo.Name, cfg)
}

// administer starts an admin service over a server's versions.
func administer(t *testing.T, v *versioned) adminpb.AdminServiceClient {
	t.Helper()
	return administerBy(t, newAdmin(v, admin.Config{}))
}

// administerBy starts an admin service.
func administerBy(t *testing.T, service *admin.Service) adminpb.AdminServiceClient {
	t.Helper()
	listener := bufconn.Listen(bufferBytes)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- service.Serve(ctx, listener) }()
	conn := dial(t, listener)
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-served; err != nil {
			t.Errorf("admin Serve = %v, want none", err)
		}
	})
	return adminpb.NewAdminServiceClient(conn)
}

var withoutTimes = protocmp.IgnoreFields(&adminpb.Version{}, "state_since")

func serving(version string, isDefault bool, labels ...string) *adminpb.Version {
	return &adminpb.Version{
		Model: modelInfo.Name, Version: version, State: adminpb.VersionState_VERSION_STATE_SERVING,
		Digest: "digest-" + version, IsDefault: isDefault, Labels: labels,
	}
}

// TestAdminRollsForthAndBack takes a server from version 1 to 2 and back, by RPC
// alone.
func TestAdminRollsForthAndBack(t *testing.T) {
	v := serveVersions(t, server.Config{})
	service := administer(t, v)
	ctx := t.Context()
	answeredBy := func(want string) {
		t.Helper()
		v.checkAnswers(t)
		info, err := v.GetServerInfo(ctx, nil)
		if got := info.GetModel().GetReference().GetVersion(); err != nil || got != want {
			t.Errorf("answered by version %q (%v), want %q", got, err, want)
		}
	}
	v.source.highest.Store(2)
	reloaded, err := service.Reload(ctx, &adminpb.ReloadRequest{})
	if err != nil || !reloaded.GetVersions()[0].GetIsDefault() || reloaded.GetVersions()[0].GetVersion() != "2" {
		t.Errorf("Reload = %v, %v; want version 2 as the default", reloaded, err)
	}
	answeredBy("2")
	back, err := service.SetDefault(ctx, &adminpb.SetDefaultRequest{Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, serving("1", true), back.GetVersion(), withoutTimes)
	answeredBy("1")
	labelled, err := service.SetLabel(ctx, &adminpb.SetLabelRequest{Label: "canary", Version: "latest"})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, serving("2", false, "canary"), labelled.GetVersion(), withoutTimes)

	got, err := service.GetStatus(ctx, &adminpb.GetStatusRequest{})
	if err != nil || got.GetResidentBytes() == 0 || got.GetLastScan() == nil {
		t.Errorf("GetStatus = %v, %v; want resident memory and the last scan", got, err)
	}
	checkProto(t, &adminpb.GetStatusResponse{
		Model: modelInfo.Name, DefaultVersion: "1", DefaultChoice: "1", Labels: map[string]string{"canary": "2"}, Path: "counting",
		MaxLoadedModels: 4, Loads: 4,
	}, got, protocmp.IgnoreFields(got, "last_scan", "resident_bytes", "loaded_models"))

	if got, err := service.SetLabel(ctx, &adminpb.SetLabelRequest{Label: "canary"}); err != nil || got.GetVersion() != nil {
		t.Errorf("SetLabel to nothing = %v, %v; want no version", got, err)
	}
	loaded, err := service.LoadVersion(ctx, &adminpb.LoadVersionRequest{Version: "2"})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, serving("2", false), loaded.GetVersion(), withoutTimes)
	if _, err := service.UnloadVersion(ctx, &adminpb.UnloadVersionRequest{Version: "2"}); err != nil {
		t.Error(err)
	}
	answeredBy("1")
}

func TestAdminTellsWhyAVersionFailed(t *testing.T) {
	v := serveVersions(t, server.Config{})
	service := administer(t, v)
	v.source.highest.Store(50)
	listed, err := service.Reload(t.Context(), &adminpb.ReloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &adminpb.Version{Model: modelInfo.Name, Version: "50", State: adminpb.VersionState_VERSION_STATE_FAILED, Reason: "its golden pair has another similarity"}
	checkProto(t, want, listed.GetVersions()[0], withoutTimes)
	again, err := service.ListVersions(t.Context(), &adminpb.ListVersionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	checkProto(t, want, again.GetVersions()[0], withoutTimes)
	state, err := service.GetStatus(t.Context(), &adminpb.GetStatusRequest{})
	if err != nil || state.GetDefaultVersion() != "49" || state.GetFailedLoads() != 1 || !strings.Contains(state.GetLastError(), "version 50 does not hold: its golden pair") {
		t.Errorf("GetStatus = %v, %v; want version 49 and what is wrong with 50", state, err)
	}
	v.checkAnswers(t)
}

func TestAdminRefuses(t *testing.T) {
	v := serveVersions(t, server.Config{})
	v.source.highest.Store(50)
	service := administer(t, v)
	ctx := t.Context()
	load := func(version string) error {
		_, err := service.LoadVersion(ctx, &adminpb.LoadVersionRequest{Version: version})
		return err
	}
	setDefault := func(version string) error {
		_, err := service.SetDefault(ctx, &adminpb.SetDefaultRequest{Version: version})
		return err
	}
	setLabel := func(label, version string) error {
		_, err := service.SetLabel(ctx, &adminpb.SetLabelRequest{Label: label, Version: version})
		return err
	}
	unload := func(version string) error {
		_, err := service.UnloadVersion(ctx, &adminpb.UnloadVersionRequest{Version: version})
		return err
	}
	tests := []struct {
		name       string
		give       error
		wantCode   codes.Code
		wantReason string
	}{
		{"no version", load(""), codes.InvalidArgument, admin.ReasonVersionUnset},
		{"unknown version", load("7"), codes.NotFound, admin.ReasonVersionNotFound},
		{"bad version", setDefault(badVersion), codes.FailedPrecondition, admin.ReasonVersionRefused},
		{"unknown label", setDefault("canary"), codes.NotFound, admin.ReasonVersionNotFound},
		{"bad label", setLabel("no label", "1"), codes.InvalidArgument, admin.ReasonLabelName},
		{"the default", unload("1"), codes.FailedPrecondition, admin.ReasonVersionInUse},
	}
	for _, tt := range tests {
		info := detail[*errdetails.ErrorInfo](t, tt.give)
		if status.Code(tt.give) != tt.wantCode || info.GetReason() != tt.wantReason || info.GetDomain() != admin.ErrorDomain {
			t.Errorf("%s: %v, reason %s of %s; want %v, %s", tt.name, tt.give, info.GetReason(), info.GetDomain(), tt.wantCode, tt.wantReason)
		}
	}
	v.checkAnswers(t)
}

func TestAdminTellsWhyItsListenerFailed(t *testing.T) {
	v := serveVersions(t, server.Config{})
	listener := bufconn.Listen(1)
	_ = listener.Close()
	err := newAdmin(v, admin.Config{}).Serve(t.Context(), listener)
	if err == nil || !strings.Contains(err.Error(), "serve admin at bufconn: ") {
		t.Errorf("Serve = %v, want the listener's error", err)
	}
}

// TestAdminIsNotOnThePublicPort, where every caller could take models away.
func TestAdminIsNotOnThePublicPort(t *testing.T) {
	v := serveVersions(t, server.Config{})
	_, err := adminpb.NewAdminServiceClient(v.conn).ListVersions(t.Context(), &adminpb.ListVersionsRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("ListVersions on the public port = %v, want UNIMPLEMENTED", err)
	}
}

// TestAdminRefusesWhatItCannotRead: it is the caller's fault there, too, and the
// log of the call holds.
func TestAdminRefusesWhatItCannotRead(t *testing.T) {
	v := serveVersions(t, server.Config{})
	listener := bufconn.Listen(bufferBytes)
	service := admin.New([]admin.Model{{Name: modelInfo.Name, Versions: v.manager}}, modelInfo.Name, admin.Config{Logger: slog.New(slog.NewTextHandler(v.log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- service.Serve(ctx, listener) }()
	conn, err := listener.DialContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	answer := sendRaw(t, conn, rawCall{path: adminpb.AdminService_SetDefault_FullMethodName, body: framed(0, []byte{0xff, 0xff})})
	if got := answer.code(t); got != codes.InvalidArgument {
		t.Errorf("SetDefault of no protobuf = %v (%v), want InvalidArgument", got, answer.headers)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("admin Serve = %v, want none", err)
	}
	if log := v.log.String(); !strings.Contains(log, "code=InvalidArgument") {
		t.Errorf("the log is\n%s\nwant the call in it", log)
	}
}
