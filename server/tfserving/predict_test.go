package tfserving_test

import (
	"math"
	"testing"

	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// tolerance allows for the rounding of the fake network's sums.
var tolerance = cmpopts.EquateApprox(0, 1e-5)

func TestPredictRunsEachSignature(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	file10, file200 := grayFile(t, 10), grayFile(t, 200)
	tests := []struct {
		signature string
		inputs    inputs
		output    string
		shape     []int64
		want      []float32
	}{
		{"", inputs{"image_a": gray(10, 20), "image_b": gray(200, 20)}, "similarity", []int64{2}, []float32{similarity(10, 200), 1}},
		{"serving_default", inputs{"image_a": gray(1), "image_b": gray(2)}, "similarity", []int64{1}, []float32{similarity(1, 2)}},
		{"encode", inputs{"images": gray(0, 255)}, "embeddings", []int64{2, 3}, []float32{0, 0, 0, 1, 1, 1}},
		{"compare", inputs{"a": floats(2, 0, 0, 0, 1, 1, 1), "b": floats(2, 0, 0, 0, 1, 1, 0)}, "similarity", []int64{2}, []float32{1, float32(math.Exp(-1. / 3))}},
		{"encoded", inputs{"image_a": stringsOf(file10, file200), "image_b": stringsOf(file200, file200)}, "similarity", []int64{2}, []float32{similarity(10, 200), 1}},
		{"encode_files", inputs{"images": stringsOf(file200)}, "embeddings", []int64{1, 3}, []float32{200. / 255, 200. / 255, 200. / 255}},
	}
	for _, tt := range tests {
		t.Run(tt.signature, func(t *testing.T) {
			got, err := r.Predict(t.Context(), request(tt.signature, tt.inputs))
			if err != nil {
				t.Fatal(err)
			}
			want := &apis.PredictResponse{
				ModelSpec: &apis.ModelSpec{
					Name: "fake", SignatureName: tt.signature,
					VersionChoice: &apis.ModelSpec_Version{Version: wrapperspb.Int64(3)},
				},
				Outputs: inputs{tt.output: {Dtype: typepb.DataType_DT_FLOAT, TensorShape: shape(tt.shape...), FloatVal: tt.want}},
			}
			if tt.signature == "" {
				want.ModelSpec.SignatureName = "serving_default"
			}
			if diff := cmp.Diff(want, got, protocmp.Transform(), tolerance); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// What both protocols answer is the same to the last bit, and out of the same cache.
func TestPredictSharesTheEngineOfCompare(t *testing.T) {
	r := serve(t, server.Config{CacheBytes: 1 << 20}, nil)
	a, b := grayFile(t, 31), grayFile(t, 77)
	native, err := r.native.Compare(t.Context(), &pb.CompareRequest{
		ImageA: &pb.Image{Source: &pb.Image_Encoded{Encoded: a}}, ImageB: &pb.Image{Source: &pb.Image_Encoded{Encoded: b}},
	})
	if err != nil {
		t.Fatal(err)
	}
	encoded := r.model.encoded.Load()
	got, err := r.Predict(t.Context(), request("encoded", inputs{"image_a": stringsOf(a), "image_b": stringsOf(b)}))
	if err != nil {
		t.Fatal(err)
	}
	if v := got.GetOutputs()["similarity"].GetFloatVal()[0]; v != native.GetSimilarity() {
		t.Errorf("similarity = %v, want %v, as Compare says", v, native.GetSimilarity())
	}
	if n := r.model.encoded.Load(); n != encoded {
		t.Errorf("the encoder ran for %d images more, want none: the cache has them", n-encoded)
	}
}

func TestPredictReadsValuesInEachForm(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	half := make([]int32, side*side*3/2) // zeros, then 255 repeated
	half = append(half, 255)
	pixels := func(values ...int32) *tensorOf {
		return &tensorOf{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(1, side, side, 3), IntVal: values}
	}
	content := []byte{0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f} // 0, 1, 0.5 as little-endian float32
	numbers := floats(1)
	numbers.TensorContent = content
	file := grayFile(t, 255)
	repeated := stringsOf(file)
	repeated.TensorShape = shape(3)
	tests := []struct {
		name, signature string
		inputs          inputs
		want            []float32
	}{
		{"one number for all", "encode", inputs{"images": pixels(255)}, []float32{1, 1, 1}},
		{"the last for the rest", "encode", inputs{"images": pixels(half...)}, []float32{0.5, 0.5, 0.5}},
		{"none for zeros", "encode", inputs{"images": pixels()}, []float32{0, 0, 0}},
		{"content of floats", "compare", inputs{"a": numbers, "b": floats(1, 0, 1, 0.5)}, []float32{1}},
		{"one float for all", "compare", inputs{"a": floats(2, 1), "b": floats(2, 1, 1, 1, 0)}, []float32{1, float32(math.Exp(-1))}},
		{"one string for all", "encode_files", inputs{"images": repeated}, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Predict(t.Context(), request(tt.signature, tt.inputs))
			if err != nil {
				t.Fatal(err)
			}
			for _, output := range got.GetOutputs() {
				if diff := cmp.Diff(tt.want, output.GetFloatVal(), tolerance); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestPredictRefuses(t *testing.T) {
	r := serve(t, server.Config{MaxPairs: 2, MaxImages: 3}, nil)
	file := grayFile(t, 9)
	sized := func(sizes ...int64) *tensorOf {
		return &tensorOf{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(sizes...), IntVal: []int32{0}}
	}
	unknown := gray(1)
	unknown.TensorShape.UnknownRank = true
	short := gray(1)
	short.TensorContent = short.TensorContent[1:]
	large := sized(1, side, side, 3)
	large.IntVal = []int32{1, 256}
	many := sized(1, 1, 1, 3)
	many.IntVal = []int32{1, 2, 3, 4}
	wrongType := gray(1)
	wrongType.Dtype = typepb.DataType_DT_FLOAT
	const invalid = codes.InvalidArgument
	tests := []struct {
		name string
		req  *apis.PredictRequest
		want failure
	}{
		{"signature", request("classify", nil), failure{codes.FailedPrecondition, "SIGNATURE_NOT_FOUND", "model_spec.signature_name"}},
		{"missing input", request("", inputs{"image_a": gray(1)}), failure{invalid, "TENSOR_NAME", "inputs.image_b"}},
		{"foreign input", request("encode", inputs{"images": gray(1), "x": gray(1)}), failure{invalid, "TENSOR_NAME", "inputs"}},
		{"type", request("encode", inputs{"images": wrongType}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"no tensor", request("encode", inputs{"images": {}}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"unknown rank", request("encode", inputs{"images": unknown}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"rank", request("encode", inputs{"images": sized(side, side, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"many dimensions", request("encode", inputs{"images": sized(make([]int64, 1000)...)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"channels", request("encode", inputs{"images": sized(1, side, side, 4)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"negative size", request("encode", inputs{"images": sized(1, -1, side, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"overflow", request("encode", inputs{"images": sized(1, math.MaxInt64, math.MaxInt64, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"overflow to a few", request("encode", inputs{"images": sized(1, 1<<32, 1<<32, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"larger than a message", request("encode", inputs{"images": sized(1, 4000, 4000, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"no rows and many columns", request("encode", inputs{"images": sized(1, 0, math.MaxInt64, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"no pixels", request("encode", inputs{"images": sized(1, 0, side, 3)}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"short content", request("encode", inputs{"images": short}), failure{invalid, "IMAGE_RAW_LENGTH", "inputs.images"}},
		{"number out of range", request("encode", inputs{"images": large}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"too many numbers", request("encode", inputs{"images": many}), failure{invalid, "TENSOR_INVALID", "inputs.images"}},
		{"nothing", request("encode", inputs{"images": gray()}), failure{invalid, "NO_ITEMS", "inputs.images"}},
		{"too many images", request("encode", inputs{"images": gray(1, 2, 3, 4)}), failure{invalid, "TOO_MANY_ITEMS", "inputs.images"}},
		{"too many pairs", request("", inputs{"image_a": gray(1, 2, 3), "image_b": gray(1, 2, 3)}), failure{invalid, "TOO_MANY_ITEMS", "inputs.image_a"}},
		{"too many by far", request("encoded", inputs{"image_a": {Dtype: typepb.DataType_DT_STRING, TensorShape: shape(math.MaxInt64)}, "image_b": stringsOf(file)}), failure{invalid, "TOO_MANY_ITEMS", "inputs.image_a"}},
		{"unequal counts", request("", inputs{"image_a": gray(1, 2), "image_b": gray(1)}), failure{invalid, "TENSOR_INVALID", "inputs.image_b"}},
		{"a file that is none", request("encoded", inputs{"image_a": stringsOf(file, file), "image_b": stringsOf(file, []byte("text"))}), failure{invalid, "IMAGE_FORMAT_UNKNOWN", "inputs.image_b[1]"}},
		{"an empty file", request("encode_files", inputs{"images": stringsOf(file, nil)}), failure{invalid, "IMAGE_EMPTY", "inputs.images[1]"}},
		{"embedding length", request("compare", inputs{"a": {Dtype: typepb.DataType_DT_FLOAT, TensorShape: shape(1, 7)}, "b": floats(1, 1)}), failure{invalid, "EMBEDDING_LENGTH", "inputs.a"}},
		{"embedding value", request("compare", inputs{"a": floats(1, 1), "b": floats(1, float32(math.NaN()))}), failure{invalid, "EMBEDDING_VALUE", "inputs.b[0]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Predict(t.Context(), tt.req)
			if got := failureOf(err); got != tt.want {
				t.Errorf("Predict = %+v (%v), want %+v", got, err, tt.want)
			}
		})
	}
}

func TestPredictHonoursTheOutputFilter(t *testing.T) {
	r := serve(t, server.Config{}, nil)
	req := request("encode", inputs{"images": gray(1)})
	req.OutputFilter = []string{"embeddings"}
	if got, err := r.Predict(t.Context(), req); err != nil || len(got.GetOutputs()) != 1 {
		t.Errorf("Predict = %v, %v, want the output", got, err)
	}
	for _, filter := range [][]string{{"similarity"}, {"embeddings", "embeddings"}} {
		req.OutputFilter = filter
		_, err := r.Predict(t.Context(), req)
		if got := failureOf(err); got.Reason != "TENSOR_NAME" {
			t.Errorf("Predict with output_filter %q = %v, want TENSOR_NAME", filter, err)
		}
	}
}

// A few bytes that stand for many take what the many do.
func TestPredictTakesMemoryForRepeatedValues(t *testing.T) {
	r := serve(t, server.Config{MemoryBytes: 64 << 20, MaxMessageBytes: 32 << 20}, nil)
	wide := &tensorOf{Dtype: typepb.DataType_DT_UINT8, TensorShape: shape(1, 3000, 3000, 3), IntVal: []int32{7}}
	_, err := r.Predict(t.Context(), request("", inputs{"image_a": wide, "image_b": wide}))
	if got := failureOf(err); got.Code != codes.ResourceExhausted || got.Reason != "SERVER_BUSY" || got.Field != "" {
		t.Errorf("Predict = %+v (%v), want RESOURCE_EXHAUSTED, SERVER_BUSY", got, err)
	}
}
