package oip_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/proto/inference"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

type request = inference.ModelInferRequest

// nativeSimilarities are those of gray pairs by BatchCompare.
func (r *running) nativeSimilarities(t *testing.T, model string, pairs ...[2]uint8) []float32 {
	t.Helper()
	asked := &pb.BatchCompareRequest{Options: &pb.CompareOptions{Model: model}}
	for _, pair := range pairs {
		asked.Pairs = append(asked.Pairs, &pb.ImagePair{
			ImageA: &pb.Image{Source: &pb.Image_Encoded{Encoded: gray(pair[0])}},
			ImageB: &pb.Image{Source: &pb.Image_Encoded{Encoded: gray(pair[1])}},
		})
	}
	got, err := r.native.BatchCompare(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	var similarities []float32
	for _, result := range got.GetResults() {
		similarities = append(similarities, result.GetScore().GetSimilarity())
	}
	return similarities
}

// TestInferScoresAsBatchCompareDoes in whatever way the pictures come.
func TestInferScoresAsBatchCompareDoes(t *testing.T) {
	r := serve(t, server.Config{})
	want := r.nativeSimilarities(t, "one", [2]uint8{10, 20}, [2]uint8{200, 0})
	raw := func(name string, data ...[]byte) *input {
		return &input{Name: name, Datatype: "UINT8", Shape: []int64{int64(len(data)), side, side, 3}}
	}
	numbers := &inference.InferTensorContents{}
	for _, v := range append(pixels(20), pixels(0)...) {
		numbers.UintContents = append(numbers.UintContents, uint32(v))
	}
	inNumbers := raw("image_b", nil, nil)
	inNumbers.Contents = numbers
	inGray := &input{Name: "image_a", Datatype: "UINT8", Shape: []int64{2, side, side, 1}}
	grays := append(bytes.Repeat([]byte{10}, side*side), bytes.Repeat([]byte{200}, side*side)...)
	tests := []struct {
		name string
		give *request
	}{
		{"files", &request{Inputs: []*input{contained("image_a", gray(10), gray(200)), contained("image_b", gray(20), gray(0))}}},
		{"raw files", &request{
			Inputs:           []*input{files("image_a", 2), files("image_b", 2, 1)},
			RawInputContents: [][]byte{packed(gray(10), gray(200)), packed(gray(20), gray(0))},
		}},
		{"inputs in another order", &request{
			Inputs:           []*input{files("image_b", 2), files("image_a", 2)},
			RawInputContents: [][]byte{packed(gray(20), gray(0)), packed(gray(10), gray(200))},
		}},
		{"files and raw pixels", &request{
			Inputs:           []*input{files("image_a", 2), raw("image_b", nil, nil)},
			RawInputContents: [][]byte{packed(gray(10), gray(200)), append(pixels(20), pixels(0)...)},
		}},
		{"files and pixels", &request{Inputs: []*input{contained("image_a", gray(10), gray(200)), inNumbers}}},
		{"gray pixels", &request{Inputs: []*input{inGray, raw("image_b", nil, nil)}, RawInputContents: [][]byte{grays, append(pixels(20), pixels(0)...)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.give.ModelName, tt.give.Id = "one", "abc"
			got, err := r.ModelInfer(t.Context(), tt.give)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, floats(output(got, "similarity"))); diff != "" {
				t.Errorf("similarities (-BatchCompare +ModelInfer):\n%s", diff)
			}
			want := &inference.ModelInferResponse{
				ModelName: "one", ModelVersion: "1", Id: "abc",
				Outputs: []*inference.ModelInferResponse_InferOutputTensor{
					{Name: "similarity", Datatype: "FP32", Shape: []int64{2}}, {Name: "same", Datatype: "BOOL", Shape: []int64{2}},
				},
				RawOutputContents: [][]byte{output(got, "similarity"), {1, 0}},
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func pairOf(a, b []byte) *request {
	return &request{ModelName: "one", Inputs: []*input{contained("image_a", a), contained("image_b", b)}}
}

func TestInferHonoursWhatIsAsked(t *testing.T) {
	r := serve(t, server.Config{AutoModels: []string{"two"}})
	param := func(name string, p *inference.InferParameter) map[string]*inference.InferParameter {
		return map[string]*inference.InferParameter{name: p}
	}
	number := func(v float64) *inference.InferParameter {
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_DoubleParam{DoubleParam: v}}
	}
	text := func(v string) *inference.InferParameter {
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_StringParam{StringParam: v}}
	}
	whole := func(v int64) *inference.InferParameter {
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: v}}
	}
	tests := []struct {
		name        string
		change      func(*request)
		wantVersion string
		want        []string // names of the outputs
		same        []byte
	}{
		{"nothing", func(*request) {}, "1", []string{"similarity", "same"}, []byte{0}},
		{"a version", func(q *request) { q.ModelVersion = "2" }, "2", []string{"similarity", "same"}, []byte{0}},
		{"a label", func(q *request) { q.ModelVersion = "canary" }, "2", []string{"similarity", "same"}, []byte{0}},
		{"an output", func(q *request) { q.Outputs = outputs("same") }, "1", []string{"same"}, []byte{0}},
		{"outputs in order", func(q *request) { q.Outputs = outputs("same", "similarity") }, "1", []string{"same", "similarity"}, []byte{0}},
		{"a threshold", func(q *request) { q.Parameters = param("threshold", number(0.2)) }, "1", []string{"similarity", "same"}, []byte{1}},
		{"a threshold in text", func(q *request) { q.Parameters = param("threshold", text("0.2")) }, "1", []string{"similarity", "same"}, []byte{1}},
		{"a threshold of 0", func(q *request) { q.Parameters = param("threshold", whole(0)) }, "1", []string{"similarity", "same"}, []byte{1}},
		{"a time", func(q *request) { q.Parameters = param("timeout", whole(60_000_000)) }, "1", []string{"similarity", "same"}, []byte{0}},
		{"a priority", func(q *request) { q.Parameters = param("priority", whole(1)) }, "1", []string{"similarity", "same"}, []byte{0}},
		{"no sequence", func(q *request) { q.Parameters = param("sequence_id", whole(0)) }, "1", []string{"similarity", "same"}, []byte{0}},
		{"sizes of REST", func(q *request) { q.Inputs[0].Parameters = param("binary_data_size", whole(7)) }, "1", []string{"similarity", "same"}, []byte{0}},
		{"a model that tells familiarity", func(q *request) { q.ModelName = "two" }, "1", []string{"similarity", "same", "familiarity_a", "familiarity_b"}, []byte{0}},
		{"auto", func(q *request) { q.ModelName = "auto" }, "1", []string{"similarity", "same", "familiarity_a", "familiarity_b"}, []byte{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			give := pairOf(gray(51), gray(204))
			tt.change(give)
			got, err := r.ModelInfer(t.Context(), give)
			if err != nil {
				t.Fatal(err)
			}
			var outputs []string
			for _, out := range got.GetOutputs() {
				outputs = append(outputs, out.GetName())
			}
			if diff := cmp.Diff(tt.want, outputs); diff != "" || got.GetModelVersion() != tt.wantVersion || got.GetModelName() != give.GetModelName() {
				t.Errorf("answer of %s/%s with outputs %v, want %s and %v", got.GetModelName(), got.GetModelVersion(), outputs, tt.wantVersion, tt.want)
			}
			if !bytes.Equal(output(got, "same"), tt.same) {
				t.Errorf("same = %v, want %v", output(got, "same"), tt.same)
			}
			if familiarity := output(got, "familiarity_b"); familiarity != nil && math.Abs(float64(floats(familiarity)[0])-0.8) > 1e-6 {
				t.Errorf("familiarity_b = %v, want 0.8", floats(familiarity))
			}
		})
	}
}

// TestEncodeMakesWhatEmbedDoes and Compare takes it.
func TestEncodeMakesWhatEmbedDoes(t *testing.T) {
	r := serve(t, server.Config{})
	got, err := r.ModelInfer(t.Context(), &request{ModelName: "two-encode", Inputs: []*input{contained("image", gray(51), gray(204))}})
	if err != nil {
		t.Fatal(err)
	}
	native, err := r.native.Embed(t.Context(), &pb.EmbedRequest{Model: "two", Images: []*pb.Image{
		{Source: &pb.Image_Encoded{Encoded: gray(51)}}, {Source: &pb.Image_Encoded{Encoded: gray(204)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want, familiarity []float32
	for _, result := range native.GetResults() {
		want = append(want, result.GetEmbedding().GetValues()...)
		familiarity = append(familiarity, result.GetFamiliarity().GetValue())
	}
	if diff := cmp.Diff(want, floats(output(got, "embedding"))); diff != "" {
		t.Errorf("embeddings (-Embed +ModelInfer):\n%s", diff)
	}
	if diff := cmp.Diff(familiarity, floats(output(got, "familiarity"))); diff != "" {
		t.Errorf("familiarity (-Embed +ModelInfer):\n%s", diff)
	}
	if shape := got.GetOutputs()[0].GetShape(); len(shape) != 2 || shape[0] != 2 || shape[1] != embeddingLength {
		t.Errorf("shape = %v, want [2 %d]", shape, embeddingLength)
	}
}

// TestInferRefuses what can't be done, whatever it says of itself.
func TestInferRefuses(t *testing.T) {
	r := serve(t, server.Config{MaxPairs: 4, MaxImages: 4})
	const huge = math.MaxInt64
	raw := func(shape []int64, contents []byte) func(*request) {
		return func(q *request) {
			q.Inputs[0] = &input{Name: "image_a", Datatype: "UINT8", Shape: shape}
			q.Inputs[1].Contents = nil
			q.RawInputContents = [][]byte{contents, packed(gray(1))}
		}
	}
	file := func(contents []byte, shape ...int64) func(*request) {
		return func(q *request) {
			q.Inputs = []*input{files("image_a", shape...), files("image_b", 1)}
			q.RawInputContents = [][]byte{contents, packed(gray(1))}
		}
	}
	param := func(name string, p *inference.InferParameter) func(*request) {
		return func(q *request) { q.Parameters = map[string]*inference.InferParameter{name: p} }
	}
	yes := &inference.InferParameter{ParameterChoice: &inference.InferParameter_BoolParam{BoolParam: true}}
	text := func(v string) *inference.InferParameter {
		return &inference.InferParameter{ParameterChoice: &inference.InferParameter_StringParam{StringParam: v}}
	}
	bad := codes.InvalidArgument
	tests := []struct {
		name   string
		change func(*request)
		want   failure
	}{
		{"unknown model", func(q *request) { q.ModelName = "none" }, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"unknown encoder", func(q *request) { q.ModelName = "none-encode" }, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"unknown version", func(q *request) { q.ModelVersion = "9" }, failure{codes.NotFound, "MODEL_NOT_FOUND", ""}},
		{"model without a version", func(q *request) { q.ModelName = "three" }, failure{codes.Unavailable, "NOT_READY", ""}},
		{"encoder of many models", func(q *request) { q.ModelName = "auto-encode" }, failure{codes.Unimplemented, "NOT_OFFERED", ""}},
		{"no inputs", func(q *request) { q.Inputs = nil }, failure{bad, "TENSOR_NAME", "inputs"}},
		{"an input is missing", func(q *request) { q.Inputs = q.Inputs[:1] }, failure{bad, "TENSOR_NAME", "inputs"}},
		{"an unknown input", func(q *request) { q.Inputs[1].Name = "image_c" }, failure{bad, "TENSOR_NAME", "inputs[1].name"}},
		{"an input twice", func(q *request) { q.Inputs[1].Name = "image_a" }, failure{bad, "TENSOR_NAME", "inputs[1].name"}},
		{"an unknown output", func(q *request) { q.Outputs = outputs("similarity", "score") }, failure{bad, "TENSOR_NAME", "outputs[1].name"}},
		{"familiarity of a model that tells none", func(q *request) { q.Outputs = outputs("familiarity_a") }, failure{bad, "TENSOR_NAME", "outputs[0].name"}},
		{"an output twice", func(q *request) { q.Outputs = outputs("same", "same") }, failure{bad, "TENSOR_NAME", "outputs[1].name"}},
		{"datatype", func(q *request) { q.Inputs[0].Datatype = "FP32" }, failure{bad, "TENSOR_INVALID", "inputs[0].datatype"}},
		{"no shape", func(q *request) { q.Inputs[0].Shape = nil }, failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"no items", func(q *request) { q.Inputs[0].Shape = []int64{0} }, failure{bad, "NO_ITEMS", "inputs[0]"}},
		{"negative items", func(q *request) { q.Inputs[0].Shape = []int64{-1} }, failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"gigantic items", func(q *request) { q.Inputs[0].Shape = []int64{huge} }, failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"many items", func(q *request) { q.Inputs[0].Shape = []int64{5} }, failure{bad, "TOO_MANY_ITEMS", "inputs[0]"}},
		{"items of two", func(q *request) { q.Inputs[0].Shape = []int64{1, 2} }, failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"many dimensions", func(q *request) { q.Inputs[0].Shape = make([]int64, 1000) }, failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"more items than contents", func(q *request) { q.Inputs[0].Shape = []int64{2} }, failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"no contents", func(q *request) { q.Inputs[0].Contents = nil }, failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"inputs of different length", func(q *request) { q.Inputs[1] = contained("image_b", gray(1), gray(2)) }, failure{bad, "TENSOR_INVALID", "inputs[1].shape"}},
		{"contents beside raw contents", func(q *request) { q.RawInputContents = [][]byte{packed(gray(1)), packed(gray(1))} }, failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"raw contents of one input", func(q *request) { q.RawInputContents = [][]byte{packed(gray(1))} }, failure{bad, "TENSOR_INVALID", "raw_input_contents"}},
		{"raw contents of many", func(q *request) { q.RawInputContents = make([][]byte, 3) }, failure{bad, "TENSOR_INVALID", "raw_input_contents"}},
		{"an empty raw content", file(nil, 1), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"half a length", file([]byte{1, 0}, 1), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"a length beyond the end", file([]byte{0xff, 0xff, 0xff, 0xff, 1}, 1), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"bytes behind the last", file(append(packed(gray(1)), 0), 1), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"more files than items", file(packed(gray(1), gray(2)), 1), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"an empty file", file(packed(nil), 1), failure{bad, "IMAGE_EMPTY", "inputs[0][0]"}},
		{"an undecodable file", func(q *request) {
			q.Inputs = []*input{contained("image_a", gray(1), gray(2)), contained("image_b", gray(1), gray(1)[:30])}
		}, failure{bad, "IMAGE_UNDECODABLE", "inputs[1][1]"}},
		{"pixels without a batch", raw([]int64{8, 8, 3}, pixels(1)), failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"pixels of two channels", raw([]int64{1, 8, 8, 2}, pixels(1)), failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"pixels too few", raw([]int64{1, 8, 8, 3}, pixels(1)[1:]), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"a negative side", raw([]int64{1, -8, -8, 3}, pixels(1)), failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"a product that overflows", raw([]int64{1, 1 << 31, 1 << 31, 3}, pixels(1)), failure{bad, "TENSOR_INVALID", "inputs[0].shape"}},
		{"a product that overflows less", raw([]int64{4, math.MaxInt32, math.MaxInt32, 3}, pixels(1)), failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"no pixels", raw([]int64{1, 0, 8, 3}, nil), failure{bad, "IMAGE_EMPTY", "inputs[0][0]"}},
		{"a number beyond UINT8", func(q *request) {
			q.Inputs[0] = &input{Name: "image_a", Datatype: "UINT8", Shape: []int64{1, 1, 1, 1}, Contents: &inference.InferTensorContents{UintContents: []uint32{256}}}
		}, failure{bad, "TENSOR_INVALID", "inputs[0].contents"}},
		{"a threshold beyond 1", param("threshold", text("1.5")), failure{bad, "THRESHOLD_RANGE", "parameters[threshold]"}},
		{"a threshold of no number", param("threshold", text("NaN")), failure{bad, "THRESHOLD_RANGE", "parameters[threshold]"}},
		{"a threshold of words", param("threshold", text("high")), failure{bad, "TENSOR_INVALID", "parameters[threshold]"}},
		{"a threshold without a value", param("threshold", &inference.InferParameter{}), failure{bad, "TENSOR_INVALID", "parameters[threshold]"}},
		{"a negative time", param("timeout", text("-1")), failure{bad, "TENSOR_INVALID", "parameters[timeout]"}},
		{"a sequence", param("sequence_id", text("x")), failure{codes.Unimplemented, "NOT_OFFERED", "parameters[sequence_id]"}},
		{"shared memory", func(q *request) {
			q.Inputs[0].Parameters = map[string]*inference.InferParameter{"shared_memory_region": text("x")}
		}, failure{codes.Unimplemented, "NOT_OFFERED", "inputs[0].parameters[shared_memory_region]"}},
		{"classes", func(q *request) {
			q.Outputs = outputs("similarity")
			q.Outputs[0].Parameters = map[string]*inference.InferParameter{"classification": yes}
		}, failure{codes.Unimplemented, "NOT_OFFERED", "outputs[0].parameters[classification]"}},
		{"time that is over", param("timeout", &inference.InferParameter{ParameterChoice: &inference.InferParameter_Uint64Param{Uint64Param: 1}}), failure{codes.DeadlineExceeded, "DEADLINE_EXCEEDED", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			give := pairOf(gray(1), gray(1))
			tt.change(give)
			_, err := r.ModelInfer(t.Context(), give)
			if got := failureOf(err); got != tt.want {
				t.Errorf("ModelInfer = %v (%+v), want %+v", err, got, tt.want)
			}
		})
	}
}
