package e2e_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/tfmodel"
)

// modelInfo is what `model info --json` prints.
type modelInfo struct {
	Form string `json:"form"`
	tfmodel.Card
}

func infoOf(t *testing.T, path ...string) modelInfo {
	t.Helper()
	var info modelInfo
	stdout := proctest.Succeed(t, append([]string{"model", "info", "--json"}, path...)...)
	if err := json.Unmarshal([]byte(stdout), &info); err != nil {
		t.Fatalf("model info --json printed %q: %v", stdout, err)
	}
	return info
}

// TestModelForms takes a model through all its forms: the weights stay the same
// to the bit but for float16, and each form answers.
func TestModelForms(t *testing.T) {
	keras, digest := fixture.SmallModel(t, 1)
	dir := t.TempDir()
	float32s, folder, half, again := filepath.Join(dir, "whole.safetensors"), filepath.Join(dir, "saved", "1"),
		filepath.Join(dir, "half.safetensors"), filepath.Join(dir, "again.h5")
	proctest.Succeed(t, "model", "import", keras, float32s)
	proctest.Succeed(t, "model", "export", "--format", "savedmodel", "--model", float32s, folder)
	proctest.Succeed(t, "model", "import", filepath.Dir(folder), half, "--dtype", "float16")
	proctest.Succeed(t, "model", "export", "--format", "keras-h5", "--model", folder, again)
	for _, tt := range []struct{ give, wantForm string }{
		{float32s, "weight file"}, {filepath.Dir(folder), "SavedModel"}, {again, "weight file"},
	} {
		info := infoOf(t, tt.give)
		if info.Weights.Digest != digest || info.Form != tt.wantForm || info.Architecture.Height != fixture.SmallSide || info.Name != "small" {
			t.Errorf("model info %s = %+v, want the %s of the same weights", tt.give, info, tt.wantForm)
		}
	}
	if !bytes.Equal(proctest.ReadFile(t, keras), proctest.ReadFile(t, again)) {
		t.Error("the Keras file differs after its way through safetensors and a SavedModel")
	}
	// Values of 2 bytes, and a header that is small beside them.
	if info, whole := infoOf(t, half), fileSize(t, float32s); info.Weights.Digest == digest || fileSize(t, half) > whole/2+1<<14 {
		t.Errorf("float16 file has %d bytes of %d and digest %s, want half the size and rounded values", fileSize(t, half), whole, info.Weights.Digest)
	}
	pairs := infoOf(t, again).GoldenPairs
	if len(pairs) != 1 || pairs[0].A != "again.golden/1a.png" {
		t.Errorf("golden pairs of the exported file are %v, want one beside it", pairs)
	}
	want := similarityBy(t, keras)
	for _, give := range []string{again, half} {
		if got := similarityBy(t, give); math.Abs(got-want) > tfmodel.GoldenTolerance {
			t.Errorf("similarity by %s is %v, want %v", give, got, want)
		}
	}
	run := filepath.Join(dir, "run")
	_, stderr, code := proctest.Run(t, "", quick(run, "--epochs", "1", "--start", folder, "--workers", "1")...)
	if code != 0 || !strings.Contains(stderr, "taken=30 of_other_shape=0 ") {
		t.Errorf("train --start of a SavedModel: exit code %d, want 0 and 30 tensors taken\n%s", code, stderr)
	}
	if fileSize(t, filepath.Join(run, "sample_pairs.png")) == 0 {
		t.Error("sample_pairs.png is empty")
	}
}

func similarityBy(t *testing.T, model string) float64 {
	t.Helper()
	var answer struct{ Similarity float64 }
	stdout := proctest.Succeed(t, "compare", "--json", "--model", model, proctest.GlyphA, proctest.GlyphB)
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || answer.Similarity == 0 {
		t.Fatalf("compare --json printed %q (%v), want a similarity", stdout, err)
	}
	return answer.Similarity
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestModelExportBuiltIn: the built-in model comes out with its golden pairs,
// by which each later start checks it.
func TestModelExportBuiltIn(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out", "omniglot.safetensors")
	proctest.Succeed(t, "model", "export", "--format", "safetensors-fp16", "--model", "omniglot", file)
	builtIn, exported := infoOf(t, "omniglot"), infoOf(t, file)
	if builtIn.Form != "built-in" || builtIn.Parameters != 17_075_009 || len(builtIn.GoldenPairs) != 2 || builtIn.Training == nil {
		t.Errorf("model info = %+v, want the built-in model's card", builtIn)
	}
	if exported.Weights.Digest != builtIn.Weights.Digest || len(exported.GoldenPairs) != 2 {
		t.Errorf("exported model has digest %s and golden pairs %v, want those of the built-in one", exported.Weights.Digest, exported.GoldenPairs)
	}
	if got, want := proctest.Succeed(t, "compare", "--model", file, proctest.GlyphA, proctest.GlyphB), proctest.Succeed(t, "compare", "--model", "omniglot", proctest.GlyphA, proctest.GlyphB); got != want {
		t.Errorf("exported model answers %q, want %q", got, want)
	}
	text := proctest.Succeed(t, "model", "info", file)
	for _, want := range []string{"siamese-omniglot", "17075009", builtIn.Weights.Digest, "threshold     0.5", "omniglot.golden/1a.png", "training      optimizer: "} {
		if !strings.Contains(text, want) {
			t.Errorf("model info printed %q, want %q in it", text, want)
		}
	}
}

// TestModelImportWithoutCard: weights of an encoder alone are taken as they are.
func TestModelImportWithoutCard(t *testing.T) {
	keras, _ := fixture.SmallModel(t, 1)
	if err := os.Remove(tfmodel.CardPath(keras)); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "bare.safetensors")
	if stdout := proctest.Succeed(t, "model", "import", keras, out); !strings.Contains(stdout, "30 tensors, without a card") {
		t.Errorf("model import printed %q, want 30 tensors without a card", stdout)
	}
	if err := os.WriteFile(tfmodel.CardPath(out), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := proctest.Run(t, "", "model", "import", keras, out)
	if code != 1 || !strings.Contains(stderr, "would be taken for the card") {
		t.Errorf("model import beside another's card = %q, exit code %d; want a refusal and 1", stderr, code)
	}
}

func TestModelRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.safetensors")
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"model", "info", "missing.h5"}, "no such file or folder", 1},
		{[]string{"model", "info", t.TempDir()}, "it is no SavedModel", 1},
		{[]string{"model", "info", proctest.GlyphA}, "neither safetensors nor HDF5", 1},
		{[]string{"model", "import", "missing.h5", out}, "no such file", 1},
		{[]string{"model", "import", proctest.GlyphA, out}, "neither safetensors nor HDF5", 1},
		{[]string{"model", "import", proctest.GlyphA, filepath.Join(dir, "x.json")}, `want a name that ends in ".safetensors"`, 2},
		{[]string{"model", "export", "--format", "keras-h5", out}, `want a name that ends in ".h5"`, 2},
		{[]string{"model", "export", "--format", "onnx", out}, "--format", 2},
		{[]string{"model", "export", "--format", "savedmodel", dir}, "file already exists", 1},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", tt.give...)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("refused commands left %v (%v), want nothing", left, err)
	}
}

// TestVerifyWritesTheCard: threshold and errors come into the card beside the
// weights, which is then the threshold in use.
func TestVerifyWritesTheCard(t *testing.T) {
	keras, digest := fixture.SmallModel(t, 1)
	card := tfmodel.CardPath(keras)
	verify := func(model string, more ...string) []string {
		return append([]string{"eval", "verify", proctest.Glyph(""), "--pairs", "40", "--json", "--model", model, "--write-card", card}, more...)
	}
	var result struct {
		BestThreshold float64 `json:"best_threshold"`
		BestAccuracy  float64 `json:"best_accuracy"`
		EER           float64 `json:"eer"`
	}
	held := []string{"--split", "alphabet", "--hold-out", "3"}
	if err := json.Unmarshal([]byte(proctest.Succeed(t, verify(keras, held...)...)), &result); err != nil {
		t.Fatal(err)
	}
	info := infoOf(t, keras)
	if len(info.Verification) != 1 || info.Threshold != result.BestThreshold || info.Weights.Digest != digest || info.Training == nil {
		t.Fatalf("card is %+v, want one verification, threshold %v and all else as before", info.Card, result.BestThreshold)
	}
	got := info.Verification[0]
	if got.Accuracy != result.BestAccuracy || got.EqualError != result.EER || got.Pairs != 32 || got.Same != 16 || // no more than there are
		got.Negatives != "any" || got.HeldOut != "held out by alphabet: 3, seed 1" || got.Data != "omniglot" || len(got.Operating) != 2 {
		t.Errorf("verification is %+v, want what eval verify printed: %+v", got, result)
	}
	// Half the pairs are same: the two kinds of error make up what is not right.
	if wrong := (got.FalseAccepts + got.FalseRejects) / 2; wrong < 1-got.Accuracy-1e-9 || wrong > 1-got.Accuracy+1e-9 {
		t.Errorf("false accepts %v and rejects %v, want a mean of %v", got.FalseAccepts, got.FalseRejects, 1-got.Accuracy)
	}
	if text := proctest.Succeed(t, "model", "info", keras); !strings.Contains(text, "verification  omniglot (held out by alphabet: 3, seed 1), 32 pairs, negatives any") {
		t.Errorf("model info printed %q, want the verification in it", text)
	}
	proctest.Succeed(t, verify(keras, held...)...)
	proctest.Succeed(t, verify(keras, "--negatives", "same-alphabet")...)
	if list := infoOf(t, keras).Verification; len(list) != 2 || list[1].Negatives != "same-alphabet" || list[1].HeldOut != "all" {
		t.Errorf("verifications are %+v, want one of each kind of pairs", list)
	}
	_, stderr, code := proctest.Run(t, "", verify("")...)
	if code != 1 || !strings.Contains(stderr, "is the card of other weights") {
		t.Errorf("writing into another model's card = %q, exit code %d; want a refusal and 1", stderr, code)
	}
}
