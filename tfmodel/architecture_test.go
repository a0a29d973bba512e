package tfmodel_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
	"siamese/weights"
)

func TestArchitectureSizes(t *testing.T) {
	tests := []struct {
		give           tfmodel.Architecture
		wantParameters int
		wantEmbedding  int
	}{
		{tfmodel.VGG16(105, 105), 17_075_009, 4608},
		{tfmodel.VGG16(32, 32), 14_714_688 + 512*512 + 512 + 512 + 1, 512},
		{tfmodel.VGG16(64, 96), 14_714_688 + 3072*512 + 512 + 512 + 1, 3072},
		{tfmodel.Architecture.Projected(tfmodel.VGG16(128, 128)), 14_714_688 + 512*512 + 512 + 512*512 + 512 + 512 + 1, 512},
		{pooled()[0], (27*3 + 3) + (27*4 + 4) + (36*4 + 4) + (4*5 + 5) + (5 + 1), 4},
		{pooled()[2], (27*3 + 3) + (27*4 + 4) + (36*4 + 4) + (4*3 + 3) + (3*5 + 5) + (5 + 1), 3},
		{tiny(), (27*3 + 3) + (27*4 + 4) + (36*4 + 4) + (16*5 + 5) + (5 + 1), 16},
	}
	for _, tt := range tests {
		if err := tt.give.Validate(); err != nil {
			t.Errorf("%+v.Validate() = %v, want nil", tt.give, err)
		}
		if got := tt.give.Parameters(); got != tt.wantParameters {
			t.Errorf("%+v.Parameters() = %d, want %d", tt.give, got, tt.wantParameters)
		}
		if got := tt.give.EmbeddingLength(); got != tt.wantEmbedding {
			t.Errorf("%+v.EmbeddingLength() = %d, want %d", tt.give, got, tt.wantEmbedding)
		}
	}
}

func TestArchitectureValidateRefuses(t *testing.T) {
	tests := []struct {
		give string
		edit func(*tfmodel.Architecture)
		want string
	}{
		{"too small", func(a *tfmodel.Architecture) { a.Height = 3 }, "3×10 is too small for 2 blocks, want at least 4×4"},
		{"no blocks", func(a *tfmodel.Architecture) { a.Blocks = nil }, "no blocks"},
		{"empty block", func(a *tfmodel.Architecture) { a.Blocks = [][]int{{3}, {}} }, "block 2 has channels []"},
		{"no channels", func(a *tfmodel.Architecture) { a.Blocks = [][]int{{0}} }, "block 1 has channels [0]"},
		{"unknown pooling", func(a *tfmodel.Architecture) { a.Pooling = "max" }, `pooling "max", want one of ["flatten" "average" "gem"]`},
		{"power without gem", func(a *tfmodel.Architecture) { a.GeMPower = 3 }, `gem_power 3 with pooling "flatten"`},
		{"negative power", func(a *tfmodel.Architecture) { a.Pooling, a.GeMPower = tfmodel.GeM, -1 }, "gem_power -1"},
		{"no number for a power", func(a *tfmodel.Architecture) { a.Pooling, a.GeMPower = tfmodel.GeM, math.NaN() }, "gem_power NaN"},
		{"a projection that overflows", func(a *tfmodel.Architecture) { a.Pooling, a.Projection = tfmodel.GeM, 1<<62 }, "projection to 4611686018427387904 values, want 0 to 65536"},
		{"negative projection", func(a *tfmodel.Architecture) { a.Pooling, a.Projection = tfmodel.GeM, -1 }, "projection to -1 values"},
		{"projection of a flattened map", func(a *tfmodel.Architecture) { a.Projection = 3 }, `projection 3 and unit false with pooling "flatten"`},
		{"unit length of a flattened map", func(a *tfmodel.Architecture) { a.Unit = true }, "unit true"},
		{"no hidden", func(a *tfmodel.Architecture) { a.Hidden = 0 }, "hidden width 0"},
		{"a hidden width that overflows", func(a *tfmodel.Architecture) { a.Hidden = 1 << 62 }, "hidden width 4611686018427387904, want 1 to 65536"},
		{"sides that overflow", func(a *tfmodel.Architecture) { a.Height, a.Width = 1<<40, 1<<40 }, "want at most 4096×4096"},
		{"blocks that overflow", func(a *tfmodel.Architecture) { a.Blocks = slices.Repeat([][]int{{1}}, 64) }, "64 blocks, want at most 12"},
		{"convolutions without end", func(a *tfmodel.Architecture) { a.Blocks = [][]int{{3}, slices.Repeat([]int{1}, 100)} }, "more than 100 convolutions in 2 blocks"},
		{"channels without end", func(a *tfmodel.Architecture) { a.Blocks[1][0] = 1 << 17 }, "want at least one convolution of 1 to 65536 channels"},
		{"too many parameters", func(a *tfmodel.Architecture) { a.Blocks = [][]int{{1 << 14, 1 << 14}} }, "parameters, want at most 1073741824"},
	}
	for _, tt := range tests {
		architecture := tiny()
		tt.edit(&architecture)
		if err := architecture.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Validate() = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

func TestInferArchitecture(t *testing.T) {
	set := randomWeights(t, tiny(), 1)
	got, err := tfmodel.InferArchitecture(set, 8, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tiny(), got); diff != "" {
		t.Errorf("InferArchitecture (-want +got):\n%s", diff)
	}
	if _, err := tfmodel.InferArchitecture(set, 20, 20); err == nil || !strings.Contains(err.Error(), `"dense_1/kernel" has shape [16 5], want [100 5] for an input of 20×20`) {
		t.Errorf("InferArchitecture for another input size = %v, want an error that names dense_1/kernel and both shapes", err)
	}
}

// TestInferArchitectureNeedsToBeToldOfPooling: nothing in the weights says how.
func TestInferArchitectureNeedsToBeToldOfPooling(t *testing.T) {
	for _, architecture := range pooled() {
		_, err := tfmodel.InferArchitecture(randomWeights(t, architecture, 1), 8, 10)
		if err == nil || !strings.Contains(err.Error(), "of a network that pools") {
			t.Errorf("%s: InferArchitecture = %v, want an error that asks for a card", nameOf(architecture), err)
		}
	}
}

// TestDigestTellsEncodersApart: the same weights in another encoder give other
// embeddings, which must not be compared.
func TestDigestTellsEncodersApart(t *testing.T) {
	set := randomWeights(t, tiny(), 1)
	if got := tiny().Digest(set); got != set.Digest() {
		t.Errorf("Digest of a flattened network = %s, want the weights' own, %s", got, set.Digest())
	}
	larger, powerful, unit := pooled()[0], pooled()[1], pooled()[0]
	larger.Height++
	powerful.GeMPower = 4
	unit.Unit = true
	seen := make(map[string]string)
	for _, architecture := range append(pooled()[:2], tiny(), larger, powerful, unit) {
		digest := architecture.Digest(set)
		if other, ok := seen[digest]; ok || len(digest) != 64 {
			t.Errorf("%s has the digest %q, that of %q, want its own", nameOf(architecture), digest, other)
		}
		seen[digest] = nameOf(architecture)
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct {
		give string
		edit func([]weights.Tensor) []weights.Tensor
		want string
	}{
		{"missing", func(all []weights.Tensor) []weights.Tensor { return all[1:] }, `lack "block1_conv1/kernel" of shape [3 3 3 3]`},
		{"extra", func(all []weights.Tensor) []weights.Tensor {
			return append(all, weights.Tensor{Name: "block9_conv1/bias", Shape: []int{1}, Data: []float32{0}})
		}, `hold "block9_conv1/bias"`},
		{"shape", func(all []weights.Tensor) []weights.Tensor {
			all[1] = weights.Tensor{Name: all[1].Name, Shape: []int{1}, Data: []float32{0}}
			return all
		}, `"block1_conv1/bias" has shape [1], want [3]`},
	}
	for _, tt := range tests {
		var all []weights.Tensor
		for tensor := range randomWeights(t, tiny(), 1).All() {
			all = append(all, tensor)
		}
		set, err := weights.New(tt.edit(all)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := tiny().Check(set); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Check() = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}
