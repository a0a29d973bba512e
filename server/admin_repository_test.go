package server_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"siamese/proto/inference"
	"siamese/server"
	"siamese/server/admin"
)

// TestRepositoryTakesOperatorsAlone: what is served is changed on the server's own port
// by callers whose token the admin service takes too.
func TestRepositoryTakesOperatorsAlone(t *testing.T) {
	refused := failure{Code: codes.PermissionDenied, Reason: "NOT_OPERATOR"}
	tests := []struct {
		name   string
		config admin.Config
		token  string
		model  string
		want   failure
	}{
		{"an operator's token", admin.Config{Tokens: newTokenBook()}, "a-token", modelInfo.Name, failure{}},
		{"no token", admin.Config{Tokens: newTokenBook()}, "", modelInfo.Name, refused},
		{"a wrong token", admin.Config{Tokens: newTokenBook()}, "c-token", modelInfo.Name, refused},
		{"an admin service without tokens", admin.Config{}, "a-token", modelInfo.Name, refused},
		{"an unknown model", admin.Config{Tokens: newTokenBook()}, "a-token", "none", failure{Code: codes.NotFound, Reason: admin.ReasonModelNotFound}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := serveVersions(t, server.Config{OIP: true})
			v.server.SetRepository(admin.NewRepository([]admin.Model{{Name: modelInfo.Name, Versions: v.manager}}, modelInfo.Name, tt.config))
			v.source.highest.Store(2)
			err := loadModel(t, v, tt.token, tt.model)
			if got := failureOf(err); got != tt.want {
				t.Fatalf("RepositoryModelLoad = %v, want %+v", err, tt.want)
			}
			want := "1"
			if tt.want == (failure{}) {
				want = "2"
			}
			if got, _ := v.server.Router(modelInfo.Name).Routes(); got != want {
				t.Errorf("version %s answers, want %s", got, want)
			}
		})
	}
}

// TestRefusedOperatorsDoNotFillTheLog: anybody may call, as often as they like.
func TestRefusedOperatorsDoNotFillTheLog(t *testing.T) {
	log := &logBuffer{}
	v := serveVersions(t, server.Config{OIP: true})
	v.server.SetRepository(admin.NewRepository([]admin.Model{{Name: modelInfo.Name, Versions: v.manager}}, modelInfo.Name,
		admin.Config{Tokens: newTokenBook(), Logger: slog.New(slog.NewTextHandler(log, nil))}))
	if err := loadModel(t, v, "c-token", modelInfo.Name); failureOf(err).Code != codes.PermissionDenied {
		t.Fatalf("RepositoryModelLoad with a wrong token = %v, want PERMISSION_DENIED", err)
	}
	if got := log.String(); got != "" {
		t.Errorf("the log has %q, want nothing above debug", got)
	}
}

func loadModel(t *testing.T, v *versioned, token, model string) error {
	t.Helper()
	ctx := t.Context()
	if token != "" {
		ctx = as(ctx, token)
	}
	_, err := inference.NewGRPCInferenceServiceClient(v.conn).RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: model})
	return err
}

// TestRepositoryUnloadsAVersionThatIsNamed, and not the one that answers.
func TestRepositoryUnloadsAVersionThatIsNamed(t *testing.T) {
	v := serveVersions(t, server.Config{OIP: true})
	v.server.SetRepository(admin.NewRepository([]admin.Model{{Name: modelInfo.Name, Versions: v.manager}}, modelInfo.Name, admin.Config{Tokens: newTokenBook()}))
	v.source.highest.Store(2)
	ctx := as(t.Context(), "a-token")
	client := inference.NewGRPCInferenceServiceClient(v.conn)
	change := func(do func(context.Context, map[string]*inference.ModelRepositoryParameter) error, version string) error {
		var parameters map[string]*inference.ModelRepositoryParameter
		if version != "" {
			parameters = map[string]*inference.ModelRepositoryParameter{"version": {ParameterChoice: &inference.ModelRepositoryParameter_StringParam{StringParam: version}}}
		}
		return do(ctx, parameters)
	}
	load := func(ctx context.Context, p map[string]*inference.ModelRepositoryParameter) error {
		_, err := client.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: modelInfo.Name, Parameters: p})
		return err
	}
	unload := func(ctx context.Context, p map[string]*inference.ModelRepositoryParameter) error {
		_, err := client.RepositoryModelUnload(ctx, &inference.RepositoryModelUnloadRequest{ModelName: modelInfo.Name, Parameters: p})
		return err
	}
	if err := change(load, "2"); err != nil {
		t.Fatal(err)
	}
	answers, other := "1", "2"
	if now, _ := v.server.Router(modelInfo.Name).Routes(); now == other {
		answers, other = other, answers
	}
	for _, tt := range []struct {
		version string
		want    failure
	}{
		{"", failure{Code: codes.InvalidArgument, Reason: admin.ReasonVersionUnset}},
		{"9", failure{Code: codes.NotFound, Reason: admin.ReasonVersionNotFound}},
		{answers, failure{Code: codes.FailedPrecondition, Reason: admin.ReasonVersionInUse}},
		{other, failure{}},
	} {
		if err := change(unload, tt.version); failureOf(err) != tt.want {
			t.Errorf("unload of %q = %v, want %+v", tt.version, err, tt.want)
		}
	}
	if log := v.log.String(); strings.Contains(log, "a-token") {
		t.Errorf("the log has a token:\n%s", log)
	}
}
