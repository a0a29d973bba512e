package tfmodel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	funcpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	opdefpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel"
	"siamese/weights"
)

// writer are the nodes of an operation that writes "owned" to a file.
func writer(path string) []*nodepb.NodeDef {
	text := func(name, content string) *nodepb.NodeDef {
		return &nodepb.NodeDef{Name: name, Op: "Const", Attr: map[string]*attrpb.AttrValue{
			"dtype": {Value: &attrpb.AttrValue_Type{Type: typepb.DataType_DT_STRING}},
			"value": {Value: &attrpb.AttrValue_Tensor{Tensor: &tensorpb.TensorProto{
				Dtype: typepb.DataType_DT_STRING, TensorShape: &shapepb.TensorShapeProto{}, StringVal: [][]byte{[]byte(content)},
			}}},
		}}
	}
	return []*nodepb.NodeDef{text("evil/path", path), text("evil/text", "owned"), {Name: "evil/write", Op: "WriteFile", Input: []string{"evil/path", "evil/text"}}}
}

// inFunction puts nodes into a function that a node "evil/call" calls.
func inFunction(graph *corepb.MetaGraphDef, nodes []*nodepb.NodeDef) {
	for _, node := range nodes {
		for i, input := range node.Input {
			node.Input[i] = input + ":output:0"
		}
	}
	graph.GraphDef.Library = &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{{
		Signature: &opdefpb.OpDef{Name: "evil_function", IsStateful: true}, NodeDef: nodes, ControlRet: map[string]string{"evil/write": "evil/write"},
	}}}
	empty := &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{}}}
	graph.GraphDef.Node = append(graph.GraphDef.Node, &nodepb.NodeDef{Name: "evil/call", Op: "StatefulPartitionedCall", Attr: map[string]*attrpb.AttrValue{
		"f": {Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: "evil_function"}}}, "Tin": empty, "Tout": empty,
	}})
}

// runAtLoad has a node run when a model is loaded.
func runAtLoad(graph *corepb.MetaGraphDef, node string) {
	graph.SignatureDef["__saved_model_init_op"] = &corepb.SignatureDef{Outputs: map[string]*corepb.TensorInfo{
		"__saved_model_init_op": {Encoding: &corepb.TensorInfo_Name{Name: node}},
	}}
}

// poison changes the graph of an exported model, and the card with it.
func poison(t *testing.T, dir string, change func(*corepb.MetaGraphDef)) {
	t.Helper()
	model := &corepb.SavedModel{}
	must(t, proto.Unmarshal(read(t, dir, "saved_model.pb"), model))
	change(model.MetaGraphs[0])
	content, err := proto.Marshal(model)
	must(t, err)
	write(t, dir, "saved_model.pb", content)
	must(t, tfmodel.Rehash(dir, func(*tfmodel.Card) {}))
}

// TestGraphsWriteNoFiles: a graph that writes a file when it is loaded, or when a
// picture is encoded, is refused before a session exists, however it is opened, and
// runs only where that is asked for.
func TestGraphsWriteNoFiles(t *testing.T) {
	poisons := map[string]func(*corepb.MetaGraphDef, string){
		"at load": func(graph *corepb.MetaGraphDef, path string) {
			graph.GraphDef.Node = append(graph.GraphDef.Node, writer(path)...)
			runAtLoad(graph, "evil/write")
		},
		"at load, in a function": func(graph *corepb.MetaGraphDef, path string) {
			inFunction(graph, writer(path))
			runAtLoad(graph, "evil/call")
		},
		"when variables are restored": func(graph *corepb.MetaGraphDef, path string) {
			graph.GraphDef.Node = append(graph.GraphDef.Node, writer(path)...)
			for _, node := range graph.GraphDef.Node {
				if node.Name == graph.SaverDef.RestoreOpName {
					node.Input = append(node.Input, "^evil/write")
				}
			}
		},
	}
	opens := map[string]func(dir string, options tfmodel.Options) error{
		"Load": func(dir string, options tfmodel.Options) error {
			model, err := tfmodel.Load(t.Context(), dir, options)
			if err == nil {
				err = model.Close()
			}
			return err
		},
		"Open of its parent": func(dir string, options tfmodel.Options) error {
			model, err := tfmodel.Scratch{Dir: t.TempDir()}.Open(t.Context(), filepath.Dir(dir), options)
			if err == nil {
				err = model.Close()
			}
			return err
		},
		"ReadSavedModel": func(dir string, options tfmodel.Options) error {
			_, err := tfmodel.ReadSavedModel(t.Context(), dir, options)
			return err
		},
		"Load in bfloat16 on a GPU": func(dir string, options tfmodel.Options) error {
			model, err := tfmodel.Load(t.Context(), dir, tfmodel.Rounded(options))
			if err == nil {
				err = model.Close()
			}
			return err
		},
	}
	for when, change := range poisons {
		for how, open := range opens {
			t.Run(when+", "+how, func(t *testing.T) {
				dir := exportTiny(t)
				owned := filepath.Join(t.TempDir(), "owned")
				poison(t, dir, func(graph *corepb.MetaGraphDef) { change(graph, owned) })
				err := open(dir, tfmodel.Options{Device: tfmodel.DeviceCPU})
				if want := `"WriteFile"`; !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), want) {
					t.Errorf("open = %v, want ErrModel with %s", err, want)
				}
				if _, err := os.Stat(owned); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the graph has written a file (%v)", err)
				}
				// That it would: this test could not fail otherwise.
				must(t, open(dir, tfmodel.Options{Device: tfmodel.DeviceCPU, Trust: tfmodel.Trust{AllowAnyOp: true}}))
				if content, err := os.ReadFile(owned); string(content) != "owned" {
					t.Errorf("where any operation is allowed the graph wrote %q, %v, want it run", content, err)
				}
			})
		}
	}
}

// TestOtherFormsOfTheGraphAreNotRead: TensorFlow gets the graph that was checked, and
// nothing of the folder's other files.
func TestOtherFormsOfTheGraphAreNotRead(t *testing.T) {
	dir := exportTiny(t)
	for _, name := range []string{"saved_model.pbtxt", "saved_model.cpb"} {
		write(t, dir, name, []byte("meta_graphs { nonsense"))
	}
	must(t, tfmodel.Rehash(dir, func(*tfmodel.Card) {}))
	model, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{})
	must(t, err)
	must(t, model.Close())
}

func TestLoadBoundsVariables(t *testing.T) {
	for _, name := range []string{"variables/variables.index", "variables/variables.data-00000-of-00001"} {
		dir := exportTiny(t)
		must(t, os.Truncate(filepath.Join(dir, name), 2<<20))
		must(t, tfmodel.Rehash(dir, func(*tfmodel.Card) {}))
		_, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{})
		if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), "file too large") {
			t.Errorf("Load with %s of 2 MB = %v, want ErrModel with its size", name, err)
		}
	}
}

// digestOf is a folder's digest as docs/security.md computes it.
func digestOf(t *testing.T, dir string) string {
	t.Helper()
	shell := exec.Command("sh", "-c", "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1")
	shell.Dir = dir
	sum, err := shell.Output()
	must(t, err)
	return "sha256:" + strings.TrimSpace(string(sum))
}

// TestPinnedFolder: a folder of a pinned digest is loaded from a copy that has it, and
// nothing is left of that.
func TestPinnedFolder(t *testing.T) {
	dir := exportTiny(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	digest := digestOf(t, dir)
	source, err := tfmodel.ReadSavedModel(t.Context(), dir, tfmodel.Options{})
	must(t, err)
	if source.Digest != digest {
		t.Errorf("ReadSavedModel = digest %s, want %s as the shell computes it", source.Digest, digest)
	}
	other := "sha256:" + strings.Repeat("0", 64)
	pinned := tfmodel.Options{Trust: tfmodel.Trust{Digests: []string{other, digest}}}
	model, err := tfmodel.Load(t.Context(), filepath.Dir(dir), pinned)
	must(t, err)
	if model.Version() != "1" {
		t.Errorf("Load = version %q, want 1", model.Version())
	}
	must(t, model.Close())
	source, err = tfmodel.ReadSavedModel(t.Context(), dir, pinned)
	must(t, err)
	must(t, tfmodel.Export(t.Context(), filepath.Join(t.TempDir(), "again"), source, tfmodel.Options{}))
	for _, name := range []string{"assets.extra/model.json", "saved_model.pb", "variables/variables.index", "assets.extra/golden/pattern_a.png"} {
		t.Run(name, func(t *testing.T) {
			dir := exportTiny(t)
			content := read(t, dir, name)
			write(t, dir, name, append(content, '\n'))
			must(t, tfmodel.Rehash(dir, func(card *tfmodel.Card) { card.ThresholdNote = "changed" }))
			for open, err := range map[string]error{
				"Load":           second(tfmodel.Load(t.Context(), dir, pinned)),
				"ReadSavedModel": second(tfmodel.ReadSavedModel(t.Context(), dir, pinned)),
			} {
				want := fmt.Sprintf("its digest is %s, want %s or %s", digestOf(t, dir), other, digest)
				if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s of another folder = %v, want ErrModel with %q", open, err, want)
				}
			}
		})
	}
	left, err := os.ReadDir(temporary)
	must(t, err)
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "siamese-") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPinnedWeightFile(t *testing.T) {
	alone, carded := writeWeights(t, false), writeWeights(t, true)
	sum := func(path string) string {
		content, err := os.ReadFile(path)
		must(t, err)
		hash := sha256.Sum256(content)
		return hex.EncodeToString(hash[:])
	}
	digests := map[string]string{
		alone: "sha256:" + sum(alone), carded: digestOf(t, filepath.Dir(carded)),
	}
	for path, digest := range digests {
		for _, name := range []string{filepath.Base(path), "own.json"} {
			pinned := tfmodel.Trust{Digests: []string{digest}}
			if _, err := tfmodel.ReadWeightFile(t.Context(), path, pinned); err != nil {
				t.Errorf("ReadWeightFile(%s) with its digest = %v, want nil", path, err)
			}
			changed := filepath.Join(filepath.Dir(path), name)
			content, err := os.ReadFile(changed)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it has no card
			}
			must(t, err)
			must(t, os.WriteFile(changed, append(bytes.Clone(content), ' '), 0o600))
			for open, err := range map[string]error{
				"ReadWeightFile": second(tfmodel.ReadWeightFile(t.Context(), path, pinned)),
				"ReadSource":     second(tfmodel.ReadSource(t.Context(), path, pinned)),
				"Open":           second(tfmodel.Scratch{Dir: t.TempDir()}.Open(t.Context(), path, tfmodel.Options{Trust: pinned})),
			} {
				if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), "want "+digest) {
					t.Errorf("%s after a change of %s = %v, want ErrModel with the digest wanted", open, name, err)
				}
			}
			must(t, os.WriteFile(changed, content, 0o600))
		}
	}
	source, err := tfmodel.ReadSource(t.Context(), carded, tfmodel.Trust{})
	must(t, err)
	if source.Digest != digests[carded] {
		t.Errorf("ReadSource = digest %s, want %s", source.Digest, digests[carded])
	}
}

func TestPinnedBuiltin(t *testing.T) {
	source, err := tfmodel.ReadSource(t.Context(), "", tfmodel.Trust{})
	must(t, err)
	if _, err := tfmodel.ReadSource(t.Context(), "", tfmodel.Trust{Digests: []string{source.Digest}}); err != nil {
		t.Errorf("ReadSource of the built-in model with its digest = %v, want nil", err)
	}
	other := tfmodel.Trust{Digests: []string{"sha256:" + strings.Repeat("0", 64)}}
	if _, err := tfmodel.ReadSource(t.Context(), "", other); !errors.Is(err, tfmodel.ErrModel) {
		t.Errorf("ReadSource of the built-in model with another digest = %v, want ErrModel", err)
	}
}

func TestDigestsAreChecked(t *testing.T) {
	for _, digest := range []string{"", "0123", "sha256:", "sha256:" + strings.Repeat("0", 63), "sha256:" + strings.Repeat("G", 64), "sha256:" + strings.Repeat("A", 64), "md5:" + strings.Repeat("0", 64)} {
		trust := tfmodel.Trust{Digests: []string{digest}}
		if _, err := tfmodel.ReadSource(t.Context(), "", trust); err == nil || !strings.Contains(err.Error(), "64 lower-case hexadecimal digits") {
			t.Errorf("ReadSource with the digest %q = %v, want an error that says its form", digest, err)
		}
		if err := (tfmodel.Options{Trust: trust}).Validate(); err == nil {
			t.Errorf("Validate with the digest %q = nil, want an error", digest)
		}
	}
}

// TestLoadRefusesNaN: in any variable, of a folder whose card and digest agree.
func TestLoadRefusesNaN(t *testing.T) {
	for _, value := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		for _, name := range []string{"block1_conv1/kernel", "block2_conv2/bias", "dense_1/kernel", "dense_2/bias"} {
			set := randomWeights(t, tiny(), 1)
			tensor, _ := set.Get(name)
			at := len(tensor.Data) - 1
			before := tensor.Data[at]
			const mark = 12345.5
			tensor.Data[at] = mark
			source := tinySource(t)
			source.Weights = set
			dir := filepath.Join(t.TempDir(), "1")
			must(t, tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}))
			must(t, tfmodel.SetValue(dir, set, name, at, value))
			want := fmt.Sprintf("value %d of tensor %q, of shape %v, is %v, want a finite number", at, name, tensor.Shape, value)
			for open, err := range map[string]error{
				"Load":           second(tfmodel.Load(t.Context(), dir, tfmodel.Options{})),
				"ReadSavedModel": second(tfmodel.ReadSavedModel(t.Context(), dir, tfmodel.Options{})),
			} {
				if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s = %v, want ErrModel with %q", open, err, want)
				}
			}
			tensor.Data[at] = value
			err := tfmodel.Export(t.Context(), filepath.Join(t.TempDir(), "1"), source, tfmodel.Options{})
			if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("Export = %v, want ErrInvalid with %q", err, want)
			}
			tensor.Data[at] = before
		}
	}
}

// TestEmbeddingMax: no picture exceeds the bound, the card tells it, and a network whose
// bound is known by hand has that.
func TestEmbeddingMax(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	limit := model.EmbeddingMax()
	if card := model.Card().EmbeddingMax; limit != card || !(limit > 0) {
		t.Errorf("EmbeddingMax = %v, its card says %v, want the same above 0", limit, card)
	}
	pixels := randomPixels(tiny(), 64, 3)
	for i := range pixels[:len(pixels)/2] {
		pixels[i] = 255 * (pixels[i] & 1) // the corners of what pictures can be
	}
	embeddings, err := model.Encode(t.Context(), pixels)
	must(t, err)
	must(t, model.CheckEmbedding(embeddings))

	source := tinySource(t)
	for tensor := range source.Weights.All() {
		for i := range tensor.Data {
			tensor.Data[i] = 0.5 // 27 inputs of 1, then 27 and 36 of the last layer's
			if strings.HasSuffix(tensor.Name, "bias") {
				tensor.Data[i] = -1
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "1")
	must(t, tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}))
	model, err = tfmodel.Load(t.Context(), dir, tfmodel.Options{})
	must(t, err)
	defer model.Close()
	first := 27*0.5 - 1.0
	second := 27*0.5*first - 1
	third := 36*0.5*second - 1
	if got, want := model.EmbeddingMax(), 2*third; got != want {
		t.Errorf("EmbeddingMax = %v, want %v", got, want)
	}
}

// TestEmbeddingBoundsOfPooled: no picture exceeds the bounds of a network that pools;
// only behind a projection are there values below 0; bounds known by hand are those.
func TestEmbeddingBoundsOfPooled(t *testing.T) {
	const third = 36*0.5*(27*0.5*(27*0.5-1)-1) - 1 // as in TestEmbeddingMax, of each of 4 channels
	wants := []float64{2 * third, 2 * third, 2 * (4*0.5*third + 1), 2}
	for i, architecture := range pooled() {
		model := loadOf(t, architecture, tfmodel.Options{})
		embeddings, err := model.Encode(t.Context(), randomPixels(architecture, 64, 3))
		must(t, err)
		length := architecture.EmbeddingLength()
		for begin := 0; begin < len(embeddings); begin += length {
			must(t, model.CheckEmbedding(embeddings[begin:begin+length]))
		}
		if err := model.CheckEmbedding(make([]float32, length)); (err != nil) != architecture.Unit {
			t.Errorf("%s: CheckEmbedding of zeros = %v, want an error where embeddings have length 1", nameOf(architecture), err)
		}
		least := 0.0
		if architecture.Projection > 0 {
			least = -model.EmbeddingMax()
		}
		if got := model.EmbeddingMin(); got != least {
			t.Errorf("%s: EmbeddingMin = %v, want %v", nameOf(architecture), got, least)
		}
		below := make([]float32, length)
		below[0], below[1] = -0.5, float32(math.Sqrt(0.75)) // of length 1
		if err := model.CheckEmbedding(below); (err == nil) != (architecture.Projection > 0) {
			t.Errorf("%s: CheckEmbedding(%v) = %v, want an error unless there is a projection", nameOf(architecture), below, err)
		}
		source := tinySource(t)
		source.Card.Architecture, source.Weights = architecture, randomWeights(t, architecture, 1)
		for tensor := range source.Weights.All() {
			for i := range tensor.Data {
				tensor.Data[i] = 0.5
				if strings.HasPrefix(tensor.Name, "projection") {
					tensor.Data[i] = -0.5
				}
				if strings.HasSuffix(tensor.Name, "bias") {
					tensor.Data[i] = -1
				}
			}
		}
		dir := filepath.Join(t.TempDir(), "1")
		must(t, tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}))
		if got := load(t, dir, tfmodel.Options{}).EmbeddingMax(); got != wants[i] {
			t.Errorf("%s: EmbeddingMax = %v, want %v", nameOf(architecture), got, wants[i])
		}
	}
}

// TestGeneralizedMeanStaysFinite: of values whose powers no float32 holds, where an
// infinite mean would be hidden by the head.
func TestGeneralizedMeanStaysFinite(t *testing.T) {
	architecture := pooled()[1]
	source := tinySource(t)
	source.Card.Architecture, source.Weights = architecture, randomWeights(t, architecture, 1)
	for tensor := range source.Weights.All() {
		for i := range tensor.Data {
			tensor.Data[i] = 0.5
			if tensor.Name == "block2_conv2/kernel" {
				tensor.Data[i] = 1e30
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "1")
	must(t, tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}))
	model := load(t, dir, tfmodel.Options{})
	white := make([]byte, architecture.ImageBytes())
	for i := range white {
		white[i] = 255
	}
	embedding, err := model.Encode(t.Context(), white)
	must(t, err)
	must(t, model.CheckEmbedding(embedding))
	if least := float32(1e13); slices.Min(embedding) < least {
		t.Errorf("Encode = %v, want the ceiling, above %v", embedding, least)
	}
}

// TestOldCardsHaveABound: a card that says nothing, or too much, is not what the bound
// is taken from.
func TestOldCardsHaveABound(t *testing.T) {
	want := loadTiny(t, tfmodel.Options{}).EmbeddingMax()
	for _, claim := range []float64{0, 1, 3e38} {
		dir := exportTiny(t)
		must(t, tfmodel.Rehash(dir, func(card *tfmodel.Card) { card.EmbeddingMax = claim }))
		model, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{})
		must(t, err)
		if got := model.EmbeddingMax(); got != want {
			t.Errorf("EmbeddingMax with a card that says %v = %v, want %v", claim, got, want)
		}
		must(t, model.Close())
	}
	for _, claim := range []float64{-1, math.MaxFloat64} {
		dir := exportTiny(t)
		must(t, tfmodel.Rehash(dir, func(card *tfmodel.Card) { card.EmbeddingMax = claim }))
		if _, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{}); err == nil || !strings.Contains(err.Error(), "embedding_max") {
			t.Errorf("Load with embedding_max %v = %v, want an error that names it", claim, err)
		}
	}
}

// TestExportRefusesOverflow: weights that are finite but give infinite embeddings, which
// the head's ReLU would hide.
func TestExportRefusesOverflow(t *testing.T) {
	source := tinySource(t)
	kernel, _ := source.Weights.Get("block1_conv1/kernel")
	for i := range kernel.Data {
		kernel.Data[i] = 3e38
	}
	err := tfmodel.Export(t.Context(), filepath.Join(t.TempDir(), "1"), source, tfmodel.Options{})
	if want := `"block1_conv1/kernel" has weights by which values may come to 8.1e+39, want at most 3.4e+38`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Export = %v, want an error with %q", err, want)
	}
}

func TestCheckEmbedding(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	limit := float32(model.EmbeddingMax())
	for _, value := range []float32{0, float32(math.Copysign(0, -1)), 1e-45, 1, limit * 0.99} {
		if err := model.CheckEmbedding([]float32{0, value}); err != nil {
			t.Errorf("CheckEmbedding(%v) = %v, want nil", value, err)
		}
	}
	for _, value := range []float32{-1e-30, -3e38, limit * 1.01, 1e20, 3e38, float32(math.NaN()), float32(math.Inf(1))} {
		want := fmt.Sprintf("received %v as number 1 of an embedding, expected 0 to %v", value, limit)
		if err := model.CheckEmbedding([]float32{0, value}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckEmbedding(%v) = %v, want %q", value, err, want)
		}
	}
}
