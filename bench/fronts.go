package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"siamese/proto/inference"
	siamesev1 "siamese/proto/siamese/v1"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// How much is measured of other servers' protocols, and the bar.
const (
	frontRuns       = 100
	frontBarPercent = 3
)

// front is another server's protocol: its name, and a call that scores the pair.
type front struct {
	name  string
	score func(context.Context) error
}

// Fronts holds calls of other servers' protocols against native Compares of the same
// pictures, one after the other in each round. Both are made with generated stubs on the
// same connection.
func (s Serving) Fronts(ctx context.Context) (rows []Row, err error) {
	server, err := StartServer(ctx, s.Command)
	if err != nil {
		return nil, fmt.Errorf("bench fronts: %w", err)
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	conn, err := grpc.NewClient(server.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("bench fronts: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	works, fronts := []Work{Clocked(func(int) error { return s.nativeCompare(ctx, conn) })}, s.fronts(conn)
	for _, front := range fronts {
		works = append(works, Clocked(func(int) error { return front.score(ctx) }))
	}
	s.say("calls of other protocols, in turn with native ones")
	seconds, err := InTurn(frontRuns, works...)
	if err != nil {
		return nil, fmt.Errorf("bench fronts: %w", err)
	}
	native := seconds[0]
	rows = append(rows, Figure("Compare, beside other protocols", Median(native)*1e3, "ms"))
	for i, front := range fronts {
		rows = append(rows,
			Figure(front.name, Median(seconds[i+1])*1e3, "ms"),
			AtMost(front.name+", to Compare, overhead", (MedianRatio(seconds[i+1], native)-1)*100, "%", frontBarPercent))
	}
	return rows, nil
}

// fronts are the protocols that are measured.
func (s Serving) fronts(conn *grpc.ClientConn) []front {
	return []front{
		{"ModelInfer (Open Inference Protocol)", func(ctx context.Context) error { return s.modelInfer(ctx, conn) }},
		{"Predict (TensorFlow Serving)", func(ctx context.Context) error { return s.predict(ctx, conn) }},
	}
}

func (s Serving) nativeCompare(ctx context.Context, conn *grpc.ClientConn) error {
	encoded := func(file []byte) *siamesev1.Image {
		return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: file}}
	}
	_, err := siamesev1.NewSiameseServiceClient(conn).Compare(ctx, &siamesev1.CompareRequest{ImageA: encoded(s.A), ImageB: encoded(s.B)})
	return err
}

// modelInfer scores the pair by the server's only model.
func (s Serving) modelInfer(ctx context.Context, conn *grpc.ClientConn) error {
	raw := func(file []byte) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(file))), file...)
	}
	in := func(name string) *inference.ModelInferRequest_InferInputTensor {
		return &inference.ModelInferRequest_InferInputTensor{Name: name, Datatype: "BYTES", Shape: []int64{1}}
	}
	response, err := inference.NewGRPCInferenceServiceClient(conn).ModelInfer(ctx, &inference.ModelInferRequest{
		Inputs:           []*inference.ModelInferRequest_InferInputTensor{in("image_a"), in("image_b")},
		RawInputContents: [][]byte{raw(s.A), raw(s.B)},
	})
	if err == nil && len(response.GetRawOutputContents()) == 0 {
		err = errors.New("ModelInfer answered without outputs")
	}
	return err
}

// predict scores the pair by the signature of the default model that takes image files.
func (s Serving) predict(ctx context.Context, conn *grpc.ClientConn) error {
	file := func(file []byte) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{
			Dtype:       typepb.DataType_DT_STRING,
			TensorShape: &shapepb.TensorShapeProto{Dim: []*shapepb.TensorShapeProto_Dim{{Size: 1}}},
			StringVal:   [][]byte{file},
		}
	}
	response, err := apis.NewPredictionServiceClient(conn).Predict(ctx, &apis.PredictRequest{
		ModelSpec: &apis.ModelSpec{SignatureName: "encoded"},
		Inputs:    map[string]*tensorpb.TensorProto{"image_a": file(s.A), "image_b": file(s.B)},
	})
	if err == nil && len(response.GetOutputs()["similarity"].GetFloatVal()) != 1 {
		err = errors.New("an answer of Predict without a similarity")
	}
	return err
}
