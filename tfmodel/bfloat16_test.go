package tfmodel_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
)

// roundedTolerance is how far numbers of the tiny network may be off in bfloat16,
// relative to their rms: each of its layers rounds to 7 bits of fraction, 2⁻⁸ =
// 0.4 %, and pooling picks the larger of four that were rounded.
const roundedTolerance = 0.05

// stepTolerance is how far the step as a whole may be off, relative to its
// length: below the first pooling of the tiny network rounding changes which of
// four numbers is passed on. TensorFlow's own rewriting for CPUs is off by 0.21,
// too, and a gradient that has nothing to do with the right one by 1.4.
const stepTolerance = 0.4

// relativeError is the greatest difference against the rms of want.
func relativeError(t *testing.T, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d numbers, want %d", len(got), len(want))
	}
	most, squares := 0.0, 0.0
	for i := range want {
		most = max(most, math.Abs(float64(got[i])-float64(want[i])))
		squares += float64(want[i]) * float64(want[i])
	}
	return most / math.Sqrt(squares/float64(len(want)))
}

// checkRounded wants numbers to be off as bfloat16 is: not at all would mean that
// the graph was not rewritten.
func checkRounded(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if off := relativeError(t, got, want); !(off > 1e-5 && off < roundedTolerance) {
		t.Errorf("%s in bfloat16 are %g off, want above 1e-5 and below %g", what, off, roundedTolerance)
	}
}

func TestRoundedModel(t *testing.T) {
	for _, architecture := range []tfmodel.Architecture{tiny(), pooled()[0], pooled()[3]} {
		t.Run(nameOf(architecture), func(t *testing.T) { roundedModel(t, architecture) })
	}
}

func roundedModel(t *testing.T, architecture tfmodel.Architecture) {
	exact := loadOf(t, architecture, tfmodel.Options{Device: tfmodel.DeviceCPU})
	rounded := loadOf(t, architecture, tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU}))
	pixels := randomPixels(architecture, 5, 3)
	want, err := exact.Encode(t.Context(), pixels)
	must(t, err)
	got, err := rounded.Encode(t.Context(), pixels)
	must(t, err)
	checkRounded(t, "embeddings", got, want)
	// The head is not rounded: the same embeddings have the same similarity.
	length := architecture.EmbeddingLength()
	wantSimilarity, err := exact.Compare(t.Context(), want[:length], want[length:2*length])
	must(t, err)
	gotSimilarity, err := rounded.Compare(t.Context(), want[:length], want[length:2*length])
	must(t, err)
	if math.Abs(float64(gotSimilarity[0]-wantSimilarity[0])) > 1e-6 {
		t.Errorf("similarity of given embeddings = %v, want %v", gotSimilarity[0], wantSimilarity[0])
	}
	if rounded.Precision() != tfmodel.BFloat16 {
		t.Errorf("Precision() = %q, want bfloat16", rounded.Precision())
	}
}

// TestRoundedTrainer: losses, and the weights after a step, are off as bfloat16
// is; the weights themselves stay float32.
func TestRoundedTrainer(t *testing.T) {
	for _, architecture := range []tfmodel.Architecture{tiny(), pooled()[0], pooled()[3]} {
		t.Run(nameOf(architecture), func(t *testing.T) { roundedTrainer(t, architecture) })
	}
}

func roundedTrainer(t *testing.T, architecture tfmodel.Architecture) {
	config := tfmodel.TrainerConfig{PairWeight: 1, ContrastiveWeight: 1, Optimizer: tfmodel.SGD}
	batch := tinyBatch()
	const rate = 0.1
	moved := func(options tfmodel.Options) (loss float64, before, after []float32) {
		set := randomWeights(t, architecture, 1)
		trainer, err := tfmodel.NewTrainer(architecture, set, config, options)
		must(t, err)
		defer trainer.Close()
		result, err := trainer.Step(t.Context(), batch, rate)
		must(t, err)
		stepped, err := trainer.Weights()
		must(t, err)
		for _, variable := range architecture.Variables() {
			old, _ := set.Get(variable.Name)
			tensor, _ := stepped.Get(variable.Name)
			before, after = append(before, old.Data...), append(after, tensor.Data...)
		}
		return result.Loss, before, after
	}
	wantLoss, before, want := moved(tfmodel.Options{Device: tfmodel.DeviceCPU})
	gotLoss, _, got := moved(tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU}))
	if off := math.Abs(gotLoss/wantLoss - 1); !(off < roundedTolerance) {
		t.Errorf("loss in bfloat16 = %v, want %v within %g of it", gotLoss, wantLoss, roundedTolerance)
	}
	var gotStep, wantStep []float32
	for i := range want {
		gotStep, wantStep = append(gotStep, got[i]-before[i]), append(wantStep, want[i]-before[i])
	}
	length, difference := 0.0, 0.0
	for i := range wantStep {
		length += float64(wantStep[i]) * float64(wantStep[i])
		difference += float64(gotStep[i]-wantStep[i]) * float64(gotStep[i]-wantStep[i])
	}
	if off := math.Sqrt(difference / length); !(off > 1e-5 && off < stepTolerance) {
		t.Errorf("the step in bfloat16 is %g of its length off, want above 1e-5 and below %g", off, stepTolerance)
	}
}

// graphOf makes a graph of float32 from lines "name op input…".
func graphOf(lines ...string) *framework.GraphDef {
	graph := &framework.GraphDef{}
	for _, line := range lines {
		words := strings.Fields(line)
		graph.Node = append(graph.Node, &nodepb.NodeDef{
			Name: words[0], Op: words[1], Input: words[2:], Device: "/device:GPU:0",
			Attr: map[string]*attrpb.AttrValue{"T": {Value: &attrpb.AttrValue_Type{Type: typepb.DataType_DT_FLOAT}}},
		})
	}
	return graph
}

// linesOf is graphOf backwards, with "bfloat16" before what is computed in it.
func linesOf(graph *framework.GraphDef) []string {
	var lines []string
	for _, node := range graph.GetNode() {
		words := append([]string{node.GetName(), node.GetOp()}, node.GetInput()...)
		if node.GetAttr()["T"].GetType() == typepb.DataType_DT_BFLOAT16 {
			words = append([]string{"bfloat16"}, words...)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func TestRoundGraph(t *testing.T) {
	tests := []struct {
		give        string
		graph, want []string
	}{
		{
			"control inputs stay, also from what is rounded",
			[]string{"c Conv2D x k ^x", "r Reshape c s ^c"},
			[]string{"bfloat16 c Conv2D rounded/cast_0 rounded/cast_1 ^x", "r Reshape rounded/cast_2 s ^c",
				"rounded/cast_0 Cast x", "rounded/cast_1 Cast k", "rounded/cast_2 Cast c"},
		},
		{
			"one cast for all that take a tensor, by either name",
			[]string{"c Conv2D x k", "d Conv2D x:0 k", "a Abs c", "b Neg c:0", "m MaxPool c"},
			[]string{"bfloat16 c Conv2D rounded/cast_0 rounded/cast_1", "bfloat16 d Conv2D rounded/cast_0 rounded/cast_1",
				"a Abs rounded/cast_2", "b Neg rounded/cast_2", "bfloat16 m MaxPool c",
				"rounded/cast_0 Cast x", "rounded/cast_1 Cast k", "rounded/cast_2 Cast c"},
		},
		{
			"a second output keeps its number",
			[]string{"c Conv2D split:1 k"},
			[]string{"bfloat16 c Conv2D rounded/cast_0 rounded/cast_1", "rounded/cast_0 Cast split:1", "rounded/cast_1 Cast k"},
		},
		{
			"nodes in any order",
			[]string{"m MaxPool r", "r Relu b", "b BiasAdd c v", "c Conv2D x k"},
			[]string{"bfloat16 m MaxPool r", "bfloat16 r Relu b", "bfloat16 b BiasAdd c rounded/cast_0", "bfloat16 c Conv2D rounded/cast_1 rounded/cast_2",
				"rounded/cast_0 Cast v", "rounded/cast_1 Cast x", "rounded/cast_2 Cast k"},
		},
		{
			"Identity and Shape need no cast, sums have one",
			[]string{"c Conv2D x k", "i Identity c", "s Shape i", "g BiasAddGrad i"},
			[]string{"bfloat16 c Conv2D rounded/cast_0 rounded/cast_1", "bfloat16 i Identity c", "bfloat16 s Shape i", "g BiasAddGrad rounded/cast_2",
				"rounded/cast_0 Cast x", "rounded/cast_1 Cast k", "rounded/cast_2 Cast i"},
		},
		{
			"what hangs on no convolution stays",
			[]string{"c Conv2D x k", "p MatMul y w", "b BiasAdd p v", "r Relu b", "i Identity r", "s Shape r"},
			[]string{"bfloat16 c Conv2D rounded/cast_0 rounded/cast_1", "p MatMul y w", "b BiasAdd p v", "r Relu b", "i Identity r", "s Shape r",
				"rounded/cast_0 Cast x", "rounded/cast_1 Cast k"},
		},
	}
	for _, tt := range tests {
		graph := graphOf(tt.graph...)
		must(t, tfmodel.RoundGraph(graph))
		if diff := cmp.Diff(tt.want, linesOf(graph)); diff != "" {
			t.Errorf("%s: RoundGraph (-want +got):\n%s", tt.give, diff)
		}
		if got := graph.GetNode()[0].GetDevice(); got != "/device:GPU:0" {
			t.Errorf("%s: the first node has the device %q, want its own", tt.give, got)
		}
	}
	if err := tfmodel.RoundGraph(graphOf("p MatMul y w")); err == nil {
		t.Error("RoundGraph of a graph without a convolution = nil error, want one")
	}
}

// TestRoundedTowerCastsNoShapes: a cast of all activations only to learn their
// shape, or to pass them on, would cost a GPU as much as it gains.
func TestRoundedTowerCastsNoShapes(t *testing.T) {
	graph, err := tfmodel.RoundedTower(tiny(), tfmodel.TrainerConfig{PairWeight: 1, ContrastiveWeight: 1})
	must(t, err)
	biases := 0
	for _, node := range graph.GetNode() {
		input := strings.Join(node.GetInput(), " ")
		switch op := node.GetOp(); {
		case (op == "Shape" || op == "Identity" || op == "Cast") && strings.Contains(input, "rounded/"):
			t.Errorf("%s %s takes %s, want no cast", op, node.GetName(), input)
		case op == "BiasAddGrad":
			biases++
			if got := node.GetAttr()["T"].GetType(); got != typepb.DataType_DT_FLOAT {
				t.Errorf("%s sums in %v, want float32", node.GetName(), got)
			}
		}
	}
	if want := 3 + 2; biases != want { // convolutions and dense layers
		t.Errorf("got %d gradients of biases, want %d", biases, want)
	}
}

// TestRoundedModelLeavesNothingBehind: the rewritten graph is a temporary file,
// and removing it leaves the variables that it linked to.
func TestRoundedModelLeavesNothingBehind(t *testing.T) {
	dir, temporary := exportTiny(t), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	options := tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU})
	checkEmpty := func() {
		t.Helper()
		found, err := os.ReadDir(temporary)
		must(t, err)
		if len(found) > 0 {
			t.Errorf("Load left %v in the temporary folder, want nothing", found)
		}
	}
	for range 2 { // the second load needs the variables, too
		model, err := tfmodel.Load(t.Context(), dir, options)
		must(t, err)
		checkEmpty()
		_, err = model.Encode(t.Context(), randomPixels(tiny(), 1, 1))
		must(t, err)
		must(t, model.Close())
	}
	must(t, os.Truncate(filepath.Join(dir, "variables/variables.data-00000-of-00001"), 10))
	must(t, tfmodel.Rehash(dir, func(*tfmodel.Card) {}))
	if model, err := tfmodel.Load(t.Context(), dir, options); err == nil {
		must(t, model.Close())
		t.Error("Load of half the variables = nil error, want one")
	}
	checkEmpty()
}

func TestRoundedModelNeedsATemporaryFolder(t *testing.T) {
	dir := exportTiny(t)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	model, err := tfmodel.Load(t.Context(), dir, tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU}))
	if err == nil {
		must(t, model.Close())
	}
	if want := "needs a temporary folder"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Load without a temporary folder = %v, want an error with %q", err, want)
	}
}
