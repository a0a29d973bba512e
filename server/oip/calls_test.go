package oip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/proto/inference"
	"siamese/server"
)

// TestStreamAnswersInOrder: what is wrong with one request is its answer, and the stream
// goes on.
func TestStreamAnswersInOrder(t *testing.T) {
	r := serve(t, server.Config{})
	stream, err := r.ModelStreamInfer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	give := []*request{pairOf(gray(1), gray(1)), pairOf(gray(1), []byte("no image")), {ModelName: "none"}, pairOf(gray(0), gray(255))}
	for i, q := range give {
		q.Id = string(rune('a' + i))
		if err := stream.Send(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		id         string
		fails      bool
		similarity float32
	}{{"a", false, 1}, {"b", true, 0}, {"c", true, 0}, {"d", false, 0}}
	for _, w := range want {
		got, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if got.GetInferResponse().GetId() != w.id || (got.GetErrorMessage() != "") != w.fails {
			t.Errorf("answer = %v, want id %s, error %v", got, w.id, w.fails)
		}
		if !w.fails && floats(output(got.GetInferResponse(), "similarity"))[0] != w.similarity {
			t.Errorf("answer = %v, want similarity %v", got, w.similarity)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("Recv at the end = %v, want EOF", err)
	}
}

// TestStreamEndsWithTheServer though its client says nothing.
func TestStreamEndsWithTheServer(t *testing.T) {
	r := serve(t, server.Config{StreamGrace: time.Millisecond})
	stream, err := r.ModelStreamInfer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(pairOf(gray(1), gray(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
	_, err = stream.Recv()
	if got, want := failureOf(err), (failure{codes.Unavailable, "DRAINING", ""}); got != want {
		t.Errorf("Recv = %v, want %+v", err, want)
	}
}

func TestStreamsHaveALimit(t *testing.T) {
	r := serve(t, server.Config{MaxStreams: 1})
	open := func() error {
		stream, err := r.ModelStreamInfer(t.Context())
		if err != nil {
			return err
		}
		_ = stream.Send(pairOf(gray(1), gray(1))) // Recv says what came of it
		_, err = stream.Recv()
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	if got, want := failureOf(open()), (failure{codes.ResourceExhausted, "TOO_MANY_STREAMS", ""}); got != want {
		t.Errorf("another stream = %+v, want %+v", got, want)
	}
}

// TestStatisticsCount what there was, by version, failures apart.
func TestStatisticsCount(t *testing.T) {
	r := serve(t, server.Config{})
	for range 2 {
		if _, err := r.ModelInfer(t.Context(), &request{ModelName: "one", Inputs: []*input{contained("image_a", gray(1), gray(2)), contained("image_b", gray(1), gray(9))}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.ModelInfer(t.Context(), pairOf(gray(1), nil)); err == nil {
		t.Fatal("ModelInfer of an empty picture = nil, want an error")
	}
	got, err := r.ModelStatistics(t.Context(), &inference.ModelStatisticsRequest{Name: "one"})
	if err != nil || len(got.GetModelStats()) != 2 {
		t.Fatalf("ModelStatistics = %v, %v; want two versions", got, err)
	}
	first := got.GetModelStats()[0]
	if age := time.Since(time.UnixMilli(int64(first.GetLastInference()))); age < 0 || age > time.Minute {
		t.Errorf("last inference %v ago, want just now", age)
	}
	of := first.GetInferenceStats()
	for name, d := range map[string]*inference.StatisticDuration{"success": of.GetSuccess(), "fail": of.GetFail(), "compute_infer": of.GetComputeInfer(), "compute_input": of.GetComputeInput()} {
		if d.GetNs() == 0 || d.GetNs() > uint64(time.Minute) {
			t.Errorf("%s took %d ns, want some", name, d.GetNs())
		}
	}
	if sum := of.GetQueue().GetNs() + of.GetComputeInfer().GetNs(); sum > of.GetSuccess().GetNs() {
		t.Errorf("queue and compute took %d ns, want at most the %d of all", sum, of.GetSuccess().GetNs())
	}
	counts := func(n uint64) *inference.StatisticDuration { return &inference.StatisticDuration{Count: n} }
	want := &inference.ModelStatistics{Name: "one", Version: "1", InferenceCount: 4, ExecutionCount: 2, InferenceStats: &inference.InferStatistics{
		Success: counts(2), Fail: counts(1), Queue: counts(2), ComputeInput: counts(2), ComputeInfer: counts(2), ComputeOutput: counts(2),
	}}
	if diff := cmp.Diff(want, first, protocmp.Transform(), protocmp.IgnoreFields(want, "last_inference"), protocmp.IgnoreFields(counts(1), "ns")); diff != "" {
		t.Errorf("statistics (-want +got):\n%s", diff)
	}
	all, err := r.ModelStatistics(t.Context(), &inference.ModelStatisticsRequest{})
	if err != nil || len(all.GetModelStats()) != 6 {
		t.Errorf("ModelStatistics of all = %v, %v; want six", all, err)
	}
	if _, err := r.ModelStatistics(t.Context(), &inference.ModelStatisticsRequest{Version: "1"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("ModelStatistics of a version alone = %v, want INVALID_ARGUMENT", err)
	}
}

// repository notes what it is asked.
type repository struct{ asked []string }

func (r *repository) Load(_ context.Context, model, version string) error {
	r.asked = append(r.asked, "load "+model+" "+version)
	return nil
}

func (r *repository) Unload(_ context.Context, model, version string) error {
	r.asked = append(r.asked, "unload "+model+" "+version)
	return status.Error(codes.FailedPrecondition, "in use")
}

// TestRepositoryIsAsked what callers ask, over gRPC and by REST.
func TestRepositoryIsAsked(t *testing.T) {
	r := serve(t, server.Config{})
	asked := &repository{}
	r.server.SetRepository(asked)
	ctx := t.Context()
	of := func(name string, p *inference.ModelRepositoryParameter) map[string]*inference.ModelRepositoryParameter {
		return map[string]*inference.ModelRepositoryParameter{name: p}
	}
	version := &inference.ModelRepositoryParameter{ParameterChoice: &inference.ModelRepositoryParameter_Int64Param{Int64Param: 2}}
	if _, err := r.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "one-encode", Parameters: of("version", version)}); err != nil {
		t.Error(err)
	}
	if _, err := r.RepositoryModelUnload(ctx, &inference.RepositoryModelUnloadRequest{ModelName: "one", Parameters: of("unload_dependents", &inference.ModelRepositoryParameter{})}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("RepositoryModelUnload = %v, want the repository's", err)
	}
	_, err := r.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "one", Parameters: of("config", version)})
	if got, want := failureOf(err), (failure{codes.Unimplemented, "NOT_OFFERED", `parameters["config"]`}); got != want {
		t.Errorf("RepositoryModelLoad with a configuration = %v, want %+v", err, want)
	}
	_, err = r.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "one", RepositoryName: "other"})
	if got, want := failureOf(err), (failure{codes.InvalidArgument, "TENSOR_NAME", "repository_name"}); got != want {
		t.Errorf("RepositoryModelLoad of another repository = %v, want %+v", err, want)
	}
	if got := r.do(t, http.MethodPost, "/v2/repository/models/two/load", []byte(`{"parameters":{"version":"latest"}}`), nil); got.status != http.StatusOK || got.body != "{}" {
		t.Errorf("load by REST = %+v, want 200", got)
	}
	if got := r.do(t, http.MethodPost, "/v2/repository/models/two/unload", []byte(`{"parameters":{"version":3}}`), nil); got.status != http.StatusBadRequest {
		t.Errorf("unload by REST = %+v, want 400", got)
	}
	if diff := cmp.Diff([]string{"load one 2", "unload one ", "load two latest", "unload two 3"}, asked.asked); diff != "" {
		t.Errorf("the repository was asked (-want +got):\n%s", diff)
	}
}

// TestModelNamedAsAnEncoder: it is loaded itself, and listed once.
func TestModelNamedAsAnEncoder(t *testing.T) {
	r := serve(t, server.Config{}, "one-encode")
	asked := &repository{}
	r.server.SetRepository(asked)
	ctx := t.Context()
	if _, err := r.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "one-encode"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"load one-encode "}, asked.asked); diff != "" {
		t.Errorf("the repository was asked (-want +got):\n%s", diff)
	}
	index, err := r.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{})
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for _, model := range index.GetModels() {
		if model.GetName() == "one-encode" {
			listed++
		}
	}
	if listed != 1 {
		t.Errorf("the index has one-encode %d times, want once: %v", listed, index)
	}
}

// TestNotOffered tells so of each call that Triton has and this server has not.
func TestNotOffered(t *testing.T) {
	r := serve(t, server.Config{})
	none := &inference.NotOfferedRequest{}
	want := failure{codes.Unimplemented, "NOT_OFFERED", ""}
	for i, call := range []func() error{
		func() error { _, err := r.SystemSharedMemoryStatus(t.Context(), none); return err },
		func() error { _, err := r.SystemSharedMemoryRegister(t.Context(), none); return err },
		func() error { _, err := r.SystemSharedMemoryUnregister(t.Context(), none); return err },
		func() error { _, err := r.CudaSharedMemoryStatus(t.Context(), none); return err },
		func() error { _, err := r.CudaSharedMemoryRegister(t.Context(), none); return err },
		func() error { _, err := r.CudaSharedMemoryUnregister(t.Context(), none); return err },
		func() error { _, err := r.TraceSetting(t.Context(), none); return err },
		func() error { _, err := r.LogSettings(t.Context(), none); return err },
	} {
		if got := failureOf(call()); got != want {
			t.Errorf("call %d = %+v, want %+v", i, got, want)
		}
	}
}

// TestHealthAndReflectionKnowTheService, unless it is not spoken.
func TestHealthAndReflectionKnowTheService(t *testing.T) {
	r := serve(t, server.Config{})
	health, err := healthpb.NewHealthClient(r.conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: "inference.GRPCInferenceService"})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health of the service = %v, %v; want SERVING", health, err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	listed, err := stream.Recv()
	if err != nil || !strings.Contains(listed.String(), "inference.GRPCInferenceService") {
		t.Errorf("services = %v, %v; want the protocol's among them", listed, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

// token is the only one that opens the server.
type token string

func (o token) Name(given string) (string, bool) { return "ann", given == string(o) }

// TestCallsNeedTheServersToken, metadata and health of the protocol too.
func TestCallsNeedTheServersToken(t *testing.T) {
	r := serve(t, server.Config{Tokens: token("secret")})
	if _, err := r.ServerLive(t.Context(), nil); status.Code(err) != codes.Unauthenticated {
		t.Errorf("ServerLive without a token = %v, want UNAUTHENTICATED", err)
	}
	if _, err := r.ModelInfer(t.Context(), pairOf(gray(1), gray(1))); status.Code(err) != codes.Unauthenticated {
		t.Errorf("ModelInfer without a token = %v, want UNAUTHENTICATED", err)
	}
	for _, path := range []string{"/v2", "/v2/health/live", "/v2/models/one"} {
		if got := r.do(t, http.MethodGet, path, nil, nil); got.status != http.StatusUnauthorized {
			t.Errorf("GET %s without a token = %+v, want 401", path, got)
		}
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer secret")
	if _, err := r.ModelInfer(ctx, pairOf(gray(1), gray(1))); err != nil {
		t.Errorf("ModelInfer with a token = %v, want none", err)
	}
	if got := r.do(t, http.MethodGet, "/v2", nil, http.Header{"Authorization": {"Bearer secret"}}); got.status != http.StatusOK {
		t.Errorf("GET /v2 with a token = %+v, want 200", got)
	}
}
