package tfserving_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// The fake network takes 4x4 pixels and makes 3 numbers of them.
const (
	side   = 4
	length = 3
)

// fakeModel is a stand-in for the network. An image's embedding is its mean red, green
// and blue, 0..1, plus shift; a similarity is exp(-mean|a-b|).
type fakeModel struct {
	shift   float32
	encoded atomic.Int64 // images
}

func (m *fakeModel) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	var all []float32
	for picture := range slices.Chunk(pixels, side*side*3) {
		m.encoded.Add(1)
		var sums [3]float32
		for i, v := range picture {
			sums[i%3] += float32(v) / 255 / side / side
		}
		for _, sum := range sums {
			all = append(all, sum+m.shift)
		}
	}
	return all, nil
}

func (m *fakeModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	all := make([]float32, len(a)/length)
	for i := range all {
		var sum float64
		for k := i * length; k < (i+1)*length; k++ {
			sum += math.Abs(float64(a[k]) - float64(b[k]))
		}
		all[i] = float32(math.Exp(-sum / length))
	}
	return all, nil
}

// familiar finds all images equally familiar.
type familiar float32

func (f familiar) Of([]byte, []float32) float32 { return float32(f) }

func (f familiar) Bound() float32 { return 0.5 }

// infoOf describes a version of a model.
func infoOf(name, version string) server.ModelInfo {
	return server.ModelInfo{
		ServingName: name, Name: "siamese-" + name, Version: version, Digest: name + version,
		Height: side, Width: side, EmbeddingLength: length, EmbeddingMax: 2, Threshold: 0.5,
	}
}

// running is a server with clients on it.
type running struct {
	apis.PredictionServiceClient
	models apis.ModelServiceClient
	native pb.SiameseServiceClient
	server *server.Server
	url    string
	model  *fakeModel // version 3 of "fake"
}

// serve starts a server that has versions 3, which answers and is labelled "stable", and
// 0012 of the model "fake". It ends with the test.
func serve(t *testing.T, cfg server.Config, info func(*server.ModelInfo)) *running {
	t.Helper()
	r := start(t, cfg)
	for _, version := range []string{"3", "0012"} {
		described := infoOf("fake", version)
		if info != nil {
			info(&described)
		}
		model := &fakeModel{}
		if version == "3" {
			r.model = model
		} else {
			model.shift = 0.25
		}
		if err := r.server.AddModel(model, described); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.server.Router("fake").Route("3", map[string]string{"stable": "3", "canary": "0012"}); err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts a server without models; before prepares it.
func start(t *testing.T, cfg server.Config, before ...func(*server.Server)) *running {
	t.Helper()
	cfg.Logger, cfg.TFServing = slog.New(slog.DiscardHandler), true
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddHTTP(web, server.HTTPConfig{}); err != nil {
		t.Fatal(err)
	}
	for _, prepare := range before {
		prepare(s)
	}
	listener := bufconn.Listen(64 << 10)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	conn, err := grpc.NewClient("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &running{
		PredictionServiceClient: apis.NewPredictionServiceClient(conn), models: apis.NewModelServiceClient(conn),
		native: pb.NewSiameseServiceClient(conn), server: s, url: "http://" + web.Addr().String(),
	}
}

// failure is what a client is told of a call that failed.
type failure struct {
	Code          codes.Code
	Reason, Field string
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

// ask sends a request and returns status and body.
func (r *running) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

type (
	tensorOf = tensorpb.TensorProto
	inputs   = map[string]*tensorOf
)

func shape(sizes ...int64) *shapepb.TensorShapeProto {
	s := &shapepb.TensorShapeProto{}
	for _, size := range sizes {
		s.Dim = append(s.Dim, &shapepb.TensorShapeProto_Dim{Size: size})
	}
	return s
}

// gray is n images of the network's size, each of one value.
func gray(values ...byte) *tensorOf {
	var content []byte
	for _, v := range values {
		content = append(content, bytes.Repeat([]byte{v}, side*side*3)...)
	}
	return &tensorOf{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(int64(len(values)), side, side, 3), TensorContent: content}
}

func stringsOf(values ...[]byte) *tensorOf {
	return &tensorOf{Dtype: typepb.DataType_DT_STRING, TensorShape: shape(int64(len(values))), StringVal: values}
}

func floats(rows int64, values ...float32) *tensorOf {
	return &tensorOf{Dtype: typepb.DataType_DT_FLOAT, TensorShape: shape(rows, length), FloatVal: values}
}

// grayFile is an image file of one value.
func grayFile(t testing.TB, v byte) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 2*side, 2*side))
	for i := range picture.Pix {
		picture.Pix[i] = color.Gray{Y: v}.Y
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// similarity is what the fake network says of two images of one value each.
func similarity(a, b byte) float32 {
	return float32(math.Exp(-math.Abs(float64(a)-float64(b)) / 255))
}

func request(signature string, in inputs) *apis.PredictRequest {
	return &apis.PredictRequest{ModelSpec: &apis.ModelSpec{Name: "fake", SignatureName: signature}, Inputs: in}
}
