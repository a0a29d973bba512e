package oip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"siamese/proto/inference"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// The fake network takes 8x8 pixels; an embedding is the mean of red, green and blue,
// 0..1, and a similarity 1 - the mean difference.
const (
	side            = 8
	embeddingLength = 3
)

type fakeModel struct{}

func (fakeModel) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	var all []float32
	for picture := range slices.Chunk(pixels, side*side*3) {
		var sums [3]float64
		for i, v := range picture {
			sums[i%3] += float64(v)
		}
		for _, sum := range sums {
			all = append(all, float32(sum/(255*side*side)))
		}
	}
	return all, nil
}

func (fakeModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	similarities := make([]float32, len(a)/embeddingLength)
	for i := range a {
		similarities[i/embeddingLength] += float32(math.Abs(float64(a[i]-b[i]))) / embeddingLength
	}
	for i := range similarities {
		similarities[i] = 1 - similarities[i]
	}
	return similarities, nil
}

// brightness says that bright pictures are familiar.
type brightness struct{}

func (brightness) Of(_ []byte, embedding []float32) float32 { return embedding[0] }

func (brightness) Bound() float32 { return 0.1 }

func infoOf(name, version string) server.ModelInfo {
	return server.ModelInfo{
		ServingName: name, Name: "card-" + name, Version: version, Digest: "digest-" + name + version,
		Height: side, Width: side, EmbeddingLength: embeddingLength, EmbeddingMax: 1, Threshold: 0.75, Device: "cpu",
	}
}

// running is a server of two models, one of which tells familiarity, with clients.
type running struct {
	inference.GRPCInferenceServiceClient
	native pb.SiameseServiceClient
	conn   *grpc.ClientConn
	server *server.Server
	url    string
	stop   func() error // may be called again
}

// serve starts a server of "one", versions 1 and 2 with label "canary", and "two"; "three"
// has no version yet, and neither have more. It ends with the test.
func serve(t testing.TB, cfg server.Config, more ...string) *running {
	t.Helper()
	cfg.OIP, cfg.Models = true, append([]string{"one", "two", "three"}, more...)
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return listener
	}
	web, listener := listen(), listen()
	if err := s.AddHTTP(web, server.HTTPConfig{}); err != nil {
		t.Fatal(err)
	}
	known := infoOf("two", "1")
	known.Familiarity = brightness{}
	for _, info := range []server.ModelInfo{infoOf("one", "1"), infoOf("one", "2"), known} {
		if err := s.AddModel(fakeModel{}, info); err != nil {
			t.Fatal(err)
		}
	}
	for name, labels := range map[string]map[string]string{"one": {"canary": "2"}, "two": nil} {
		if err := s.Router(name).Route("1", labels); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	stop := func() error {
		cancel()
		err := <-served
		served <- err
		return err
	}
	t.Cleanup(func() {
		_ = conn.Close()
		_ = stop()
	})
	return &running{inference.NewGRPCInferenceServiceClient(conn), pb.NewSiameseServiceClient(conn), conn, s, "http://" + web.Addr().String(), stop}
}

// answer is an answer over HTTP, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *running) do(t *testing.T, method, path string, body []byte, header http.Header) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(read)}
}

// gray is a picture file of one level.
func gray(level uint8) []byte {
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		picture.SetGray(i%side, i/side, color.Gray{Y: level})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		panic(err)
	}
	return file.Bytes()
}

// pixels are those of gray, in RGB.
func pixels(level uint8) []byte { return bytes.Repeat([]byte{level}, side*side*3) }

// packed are files as raw_input_contents has them.
func packed(files ...[]byte) []byte {
	var raw []byte
	for _, file := range files {
		raw = append(binary.LittleEndian.AppendUint32(raw, uint32(len(file))), file...)
	}
	return raw
}

type input = inference.ModelInferRequest_InferInputTensor

// files is an input of files whose elements are elsewhere.
func files(name string, shape ...int64) *input {
	return &input{Name: name, Datatype: "BYTES", Shape: shape}
}

// contained is an input of files with its elements.
func contained(name string, elements ...[]byte) *input {
	in := files(name, int64(len(elements)))
	in.Contents = &inference.InferTensorContents{BytesContents: elements}
	return in
}

func outputs(names ...string) []*inference.ModelInferRequest_InferRequestedOutputTensor {
	var asked []*inference.ModelInferRequest_InferRequestedOutputTensor
	for _, name := range names {
		asked = append(asked, &inference.ModelInferRequest_InferRequestedOutputTensor{Name: name})
	}
	return asked
}

// floats reads an output of FP32.
func floats(raw []byte) []float32 {
	var values []float32
	for element := range slices.Chunk(raw, 4) {
		values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(element)))
	}
	return values
}

// output returns an output of an answer by its name; nil where there is none.
func output(response *inference.ModelInferResponse, name string) []byte {
	for i, out := range response.GetOutputs() {
		if out.GetName() == name {
			return response.GetRawOutputContents()[i]
		}
	}
	return nil
}

// failure is what a caller is told of a call that failed.
type failure struct {
	Code   codes.Code
	Reason string
	Field  string
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
