package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"siamese/internal/proctest"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// TestServeSpeaksTensorFlowServing: the program, which links TensorFlow and its messages
// of the same names, starts with the protocol, tells the SavedModel's signatures, and
// answers over gRPC and REST alike.
func TestServeSpeaksTensorFlowServing(t *testing.T) {
	web := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--http-addr", web)
	conn, err := grpc.NewClient(server.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := apis.NewPredictionServiceClient(conn)
	told, err := client.GetModelMetadata(t.Context(), &apis.GetModelMetadataRequest{ModelSpec: &apis.ModelSpec{Name: "general"}, MetadataField: []string{"signature_def"}})
	if err != nil {
		t.Fatal(err)
	}
	var signatures apis.SignatureDefMap
	if err := told.GetMetadata()["signature_def"].UnmarshalTo(&signatures); err != nil {
		t.Fatal(err)
	}
	if got := signatures.GetSignatureDef()["encode"].GetInputs()["images"].GetName(); got != "images/Placeholder:0" {
		t.Errorf("encode's images are %q in the graph, want what the SavedModel says", got)
	}
	photos := filepath.Join(proctest.Root, "testdata", "photos")
	a, b := readFile(t, photos, "cat.jpg"), readFile(t, photos, "cat_copy.jpg")
	file := func(data []byte) *tensorpb.TensorProto {
		return &tensorpb.TensorProto{
			Dtype: typepb.DataType_DT_STRING, StringVal: [][]byte{data},
			TensorShape: &shapepb.TensorShapeProto{Dim: []*shapepb.TensorShapeProto_Dim{{Size: 1}}},
		}
	}
	answer, err := client.Predict(t.Context(), &apis.PredictRequest{
		ModelSpec: &apis.ModelSpec{Name: "general", SignatureName: "encoded"},
		Inputs:    map[string]*tensorpb.TensorProto{"image_a": file(a), "image_b": file(b)},
	})
	if err != nil {
		t.Fatal(err)
	}
	similarity := answer.GetOutputs()["similarity"].GetFloatVal()[0]
	if similarity < 0.9 {
		t.Errorf("similarity of a copy = %v, want at least 0.9", similarity)
	}
	if got := predictREST(t, "http://"+web+"/v1/models/general/versions/1:predict", a, b); len(got) != 1 || got[0] != similarity {
		t.Errorf("similarity by REST = %v, want %v", got, similarity)
	}
	http.DefaultClient.CloseIdleConnections()
}

// predictREST scores a pair of files by REST, in the row format.
func predictREST(t *testing.T, url string, a, b []byte) []float32 {
	t.Helper()
	packed := func(file []byte) any { return map[string]string{"b64": base64.StdEncoding.EncodeToString(file)} }
	body, err := json.Marshal(map[string]any{
		"signature_name": "encoded", "instances": []any{map[string]any{"image_a": packed(a), "image_b": packed(b)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ Predictions []float32 }
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatalf("answer = %d %q, %v", resp.StatusCode, text, err)
	}
	return got.Predictions
}

func readFile(t *testing.T, folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
