package server_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// bufferBytes is the pipe's buffer: as large as a socket's, so that flow control
// is felt.
const bufferBytes = 64 << 10

// similarityTolerance allows for the rounding of the fake network's sums, which
// depends on how an embedding came about.
const similarityTolerance = 1e-6

var approx = cmpopts.EquateApprox(0, similarityTolerance)

// running is a server with a client on it.
type running struct {
	pb.SiameseServiceClient
	conn   *grpc.ClientConn
	server *server.Server
	log    *logBuffer

	listener *bufconn.Listener // where it serves

	cancel context.CancelFunc // tells the server to stop
	served chan error         // what Serve returned; capacity 1
}

// serve starts a server that has its model and a client; both end with the
// test.
func serve(t *testing.T, cfg server.Config, model server.Model) *running {
	t.Helper()
	r := serveBare(t, cfg)
	if err := setModel(r.server, model, infoFor(model)); err != nil {
		t.Fatalf("setModel: %v", err)
	}
	return r
}

// setModel gives a server its model, the only one.
func setModel(s *server.Server, model server.Model, info server.ModelInfo) error {
	if err := s.AddModel(model, info); err != nil {
		return err
	}
	return s.Router(servingName(info)).Route(info.Version, nil)
}

// servingName is the name by which calls ask for a model.
func servingName(info server.ModelInfo) string {
	if info.ServingName == "" {
		return info.Name
	}
	return info.ServingName
}

// infoFor is modelInfo with what the fake network says of its runs.
func infoFor(model server.Model) server.ModelInfo {
	info := modelInfo
	if fake, ok := model.(*fakeModel); ok {
		info.MaxBatch, info.Runners = fake.maxBatch, fake.runners
	}
	return info
}

// serveBare starts one that has no model yet.
func serveBare(t *testing.T, cfg server.Config) *running {
	t.Helper()
	log := &logBuffer{}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return serveOn(t, s, log)
}

// serveOn starts a server that exists.
func serveOn(t *testing.T, s *server.Server, log *logBuffer) *running {
	t.Helper()
	r := &running{server: s, log: log, served: make(chan error, 1)}
	listener := bufconn.Listen(bufferBytes)
	r.listener = listener
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.served <- s.Serve(ctx, listener) }()
	r.conn = dial(t, listener)
	r.SiameseServiceClient = pb.NewSiameseServiceClient(r.conn)
	t.Cleanup(func() {
		_ = r.conn.Close()
		_ = r.stop()
	})
	return r
}

// stop tells the server to stop, waits and returns what Serve returned. It may
// be called again.
func (r *running) stop() error {
	r.cancel()
	err := <-r.served
	r.served <- err
	return err
}

func dial(t *testing.T, listener *bufconn.Listener, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///bufconn", append(options,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(32<<20), grpc.MaxCallRecvMsgSize(32<<20)))...)
	if err != nil {
		t.Fatalf("NewClient: %v", err)
	}
	return conn
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// failure is what a client is told of a call that failed.
type failure struct {
	Code   codes.Code
	Reason string
	Field  string // of BadRequest; empty where there is none
}

func failureOf(err error) failure {
	f := failure{Code: status.Code(err)}
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason = d.GetReason()
		case *errdetails.BadRequest:
			f.Field = d.GetFieldViolations()[0].GetField()
		}
	}
	return f
}

// detail returns the error's detail of type D.
func detail[D any](t *testing.T, err error) D {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if found, ok := d.(D); ok {
			return found
		}
	}
	var none D
	t.Fatalf("error %v has no detail of type %T", err, none)
	return none
}

// checkAnswers makes sure that the server still answers a good call.
func (r *running) checkAnswers(t *testing.T) {
	t.Helper()
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)})
	if err != nil {
		t.Fatalf("a good call afterwards failed: %v", err)
	}
	if diff := cmp.Diff(graySimilarity(10, 200), got.GetSimilarity(), approx); diff != "" {
		t.Errorf("a good call afterwards (-want +got):\n%s", diff)
	}
}

func checkProto(t *testing.T, want, got any, ignore ...cmp.Option) {
	t.Helper()
	options := append(cmp.Options{protocmp.Transform(), approx}, ignore...)
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

var modelReference = &pb.ModelReference{Name: "fake", Version: "3", Digest: modelDigest}

var errModel = errors.New("secret: device 7 fell off the bus")
