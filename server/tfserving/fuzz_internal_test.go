package tfserving

import (
	"math"
	"testing"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"siamese/server/internal/infer"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// Limits of the fuzz targets.
const (
	fuzzItems = 8
	fuzzBytes = 1 << 16
)

// FuzzTensor reads whatever parses as a TensorProto as each form of input: as many images
// as its shape says, out of no more bytes than it may have, or a fault of the tensor's.
func FuzzTensor(f *testing.F) {
	shape := func(sizes ...int64) *shapepb.TensorShapeProto { return shapeProto(sizes) }
	for _, seed := range []*tensorpb.TensorProto{
		{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(1, 2, 2, 3), TensorContent: make([]byte, 12)},
		{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(2, 100, 100, 3), IntVal: []int32{1, 2, -1}},
		{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(1, math.MaxInt64, 2, 3), IntVal: []int32{0}},
		{Dtype: typepb.DataType_DT_FLOAT, TensorShape: shape(2, 3), FloatVal: []float32{1}},
		{Dtype: typepb.DataType_DT_FLOAT, TensorShape: shape(1, 3), TensorContent: make([]byte, 12)},
		{Dtype: typepb.DataType_DT_STRING, TensorShape: shape(3), StringVal: [][]byte{{1}, nil}},
		{Dtype: typepb.DataType_DT_STRING, TensorShape: &shapepb.TensorShapeProto{UnknownRank: true}},
	} {
		data, err := proto.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := new(tensorpb.TensorProto)
		if proto.Unmarshal(data, p) != nil {
			return
		}
		for _, form := range []form{pixels, files, embeddings} {
			r := reader{model: infer.ModelInfo{EmbeddingLength: 3}, maxItems: fuzzItems, maxBytes: fuzzBytes, take: func(bytes int64) error {
				if bytes < 0 || bytes > fuzzBytes {
					t.Errorf("%d bytes are taken, want at most %d", bytes, fuzzBytes)
				}
				return nil
			}}
			sources, err := r.sources(form, p)
			if err != nil && status.Code(at(err, "inputs.images")) != codes.InvalidArgument {
				t.Errorf("error %v, want one of the tensor's", err)
			}
			if err == nil && (int64(len(sources)) != p.GetTensorShape().GetDim()[0].GetSize() || len(sources) > fuzzItems) {
				t.Errorf("%d images of shape %v", len(sources), p.GetTensorShape())
			}
		}
	})
}

// FuzzBody reads bodies of predict calls: each becomes a request whose tensors have as
// many values as their shapes say, or is refused as its caller's.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"instances": [{"image_a": [[[1,2,3]]], "image_b": [[[4,5,6]]]}]}`, `{"signature_name":"encode","inputs":[[[[1,2,3],[1]]]]}`,
		`{"signature_name":"encode_files","instances":[{"b64":"AA"},"x",{"images":{"b64":"?"}}]}`, `{"signature_name":"compare","inputs":{"a":[[1,2e9,null]],"b":[[]]}}`,
		`{"inputs":{"image_a":[[[[]]]],"image_b":{}}}`, `{"instances": [[[[{"\ud800\"":"]}"}]]]]}`,
	} {
		f.Add([]byte(seed))
	}
	s := New(Config{MaxPairs: fuzzItems, MaxImages: fuzzItems})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := s.readBody(&apis.ModelSpec{}, body)
		if code := status.Code(err); err != nil && code != codes.InvalidArgument && code != codes.FailedPrecondition {
			t.Fatalf("error %v, want one of the body's", err)
		}
		if err != nil {
			return
		}
		for name, tensor := range got.GetInputs() {
			count := 1
			for _, dim := range tensor.GetTensorShape().GetDim() {
				count *= int(dim.GetSize())
			}
			if n := len(tensor.GetTensorContent()) + len(tensor.GetFloatVal()) + len(tensor.GetStringVal()); n != count {
				t.Errorf("%s has %d values of shape %v", name, n, tensor.GetTensorShape())
			}
		}
	})
}
