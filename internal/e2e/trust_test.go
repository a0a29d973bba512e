package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
	"siamese/tfmodel"
)

// poison has a model write the file owned when it is loaded, and its card vouch for
// that.
func poison(t *testing.T, dir, owned string) {
	t.Helper()
	graph, card := filepath.Join(dir, "saved_model.pb"), filepath.Join(dir, "assets.extra/model.json")
	model := &corepb.SavedModel{}
	if err := proto.Unmarshal(proctest.ReadFile(t, graph), model); err != nil {
		t.Fatal(err)
	}
	text := func(name, content string) *nodepb.NodeDef {
		return &nodepb.NodeDef{Name: name, Op: "Const", Attr: map[string]*attrpb.AttrValue{
			"dtype": {Value: &attrpb.AttrValue_Type{Type: typepb.DataType_DT_STRING}},
			"value": {Value: &attrpb.AttrValue_Tensor{Tensor: &tensorpb.TensorProto{Dtype: typepb.DataType_DT_STRING, StringVal: [][]byte{[]byte(content)}}}},
		}}
	}
	meta := model.MetaGraphs[0]
	meta.GraphDef.Node = append(meta.GraphDef.Node, text("path", owned), text("text", "owned"),
		&nodepb.NodeDef{Name: "evil", Op: "WriteFile", Input: []string{"path", "text"}})
	meta.CollectionDef = map[string]*corepb.CollectionDef{"saved_model_main_op": {
		Kind: &corepb.CollectionDef_NodeList_{NodeList: &corepb.CollectionDef_NodeList{Value: []string{"evil"}}}}}
	content, err := proto.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var vouching tfmodel.Card
	if err := json.Unmarshal(proctest.ReadFile(t, card), &vouching); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	vouching.Files["saved_model.pb"] = hex.EncodeToString(sum[:])
	written, err := json.Marshal(vouching)
	if err := errors.Join(err, os.WriteFile(graph, content, 0o644), os.WriteFile(card, written, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestModelsRunNoForeignCode: whichever command opens a SavedModel that writes a file,
// it is refused and the file is not there. Only --allow-any-op has it written.
func TestModelsRunNoForeignCode(t *testing.T) {
	dir := t.TempDir()
	models, owned := filepath.Join(dir, "small"), filepath.Join(dir, "owned")
	fixture.ExportVersion(t, models, "1", 1)
	model := filepath.Join(models, "1")
	poison(t, model, owned)
	data := filepath.Join(proctest.Root, "testdata/omniglot")
	for _, command := range [][]string{
		{"model", "info", model},
		{"model", "import", model, filepath.Join(dir, "out.safetensors")},
		{"model", "export", "--format", "keras-h5", "--model", models, filepath.Join(dir, "out.h5")},
		{"export", "--model", models, filepath.Join(dir, "out")},
		{"compare", "--model", models, proctest.GlyphA, proctest.GlyphB},
		{"rank", "--model", models, proctest.GlyphA, proctest.GlyphB},
		{"eval", "verify", "--model", models, data},
		{"eval", "oneshot", "--model", models, data},
		{"eval", "robustness", "--model", models, data},
		{"train", "--data", data, "--run", filepath.Join(dir, "run"), "--start", model, "--input-size", "32", "--split", "none"},
		{"serve", "--model", models, "--addr", proctest.FreeAddress(t), "--http-addr", ""},
	} {
		_, stderr, code := proctest.Run(t, "", command...)
		if code != 1 || !strings.Contains(stderr, `node "evil" is the operation "WriteFile"`) || !strings.Contains(stderr, "--allow-any-op") {
			t.Errorf("siamese %s ended with %d and said %q, want 1 and the operation", strings.Join(command, " "), code, stderr)
		}
		if _, err := os.Stat(owned); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("siamese %s had the model write a file (%v)", strings.Join(command, " "), err)
		}
	}
	_, stderr, code := proctest.Run(t, "", "model", "info", model, "--allow-any-op")
	if content, err := os.ReadFile(owned); code != 0 || string(content) != "owned" || !strings.Contains(stderr, "level=WARN") {
		t.Errorf("model info --allow-any-op ended with %d, said %q, the model wrote %q (%v); want it run with a warning", code, stderr, content, err)
	}
}

// TestServerTakesNoForeignCode: a version that is copied in under a running server.
func TestServerTakesNoForeignCode(t *testing.T) {
	dir, spare := t.TempDir(), t.TempDir()
	models, owned := filepath.Join(dir, "small"), filepath.Join(dir, "owned")
	fixture.ExportVersion(t, models, "1", 1)
	fixture.ExportVersion(t, spare, "2", 2)
	poison(t, filepath.Join(spare, "2"), owned)
	server := proctest.Serve(t, "--model", models, "--reload-period", "50ms")
	fixture.CopyVersion(t, filepath.Join(spare, "2"), filepath.Join(models, "2"))
	server.Log.WaitFor(t, "WriteFile")
	answeredBy(t, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)), "1")
	if _, err := os.Stat(owned); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the new version has written a file (%v)", err)
	}
}

// TestModelDigest: what `model info` prints is what --model-digest takes, for all forms
// and all commands that open a model.
func TestModelDigest(t *testing.T) {
	dir := t.TempDir()
	keras, _ := fixture.SmallModel(t, 1)
	fixture.ExportVersion(t, dir, "1", 1)
	other := "sha256:" + strings.Repeat("0", 64)
	for _, path := range []string{keras, filepath.Join(dir, "1")} {
		var info struct {
			Digest string `json:"model_digest"`
		}
		if err := json.Unmarshal([]byte(proctest.Succeed(t, "model", "info", "--json", path)), &info); err != nil {
			t.Fatal(err)
		}
		proctest.Succeed(t, "compare", "--model", path, "--model-digest", other, "--model-digest", info.Digest, proctest.GlyphA, proctest.GlyphB)
		proctest.Succeed(t, "model", "info", path, "--model-digest", info.Digest)
		proctest.Serve(t, "--model", path, "--model-digest", info.Digest)
		for _, command := range [][]string{
			{"compare", "--model", path, proctest.GlyphA, proctest.GlyphB},
			{"model", "info", path},
			{"export", "--model", path, filepath.Join(t.TempDir(), "out")},
			{"train", "--data", filepath.Join(proctest.Root, "testdata/omniglot"), "--run", filepath.Join(t.TempDir(), "run"), "--start", path, "--input-size", "32", "--split", "none"},
			{"serve", "--model", path, "--addr", proctest.FreeAddress(t), "--http-addr", ""},
		} {
			_, stderr, code := proctest.Run(t, "", append(command, "--model-digest", other)...)
			if want := "its digest is " + info.Digest + ", want " + other; code != 1 || !strings.Contains(stderr, want) {
				t.Errorf("siamese %s with another digest ended with %d and said %q, want 1 and %q", strings.Join(command, " "), code, stderr, want)
			}
		}
	}
}

// TestForeignEmbeddingsAreRefused: numbers that the real network makes of no picture.
func TestForeignEmbeddingsAreRefused(t *testing.T) {
	server := proctest.Serve(t, "--model", "omniglot")
	service := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))
	own := answeredBy(t, service, "1").GetResults()[0].GetEmbedding()
	compare := func(values []float32) error {
		image := &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: &siamesev1.Embedding{Values: values, ModelDigest: own.GetModelDigest()}}}
		_, err := service.Compare(t.Context(), &siamesev1.CompareRequest{ImageA: image, ImageB: fixture.Encoded(t, proctest.GlyphA)})
		return err
	}
	if err := compare(own.GetValues()); err != nil {
		t.Errorf("Compare of the server's own embedding = %v, want nil", err)
	}
	for _, value := range []float32{3e38, -3e38, -1e-30, 1e20, 1e16, float32(math.NaN()), float32(math.Inf(1))} {
		values := make([]float32, len(own.GetValues()))
		values[7] = value
		err := compare(values)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "as number 7 of an embedding, expected 0 to") {
			t.Errorf("Compare of an embedding with %v = %v, want INVALID_ARGUMENT with what is expected", value, err)
		}
	}
}
