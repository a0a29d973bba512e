package tfmodel_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/tfmodel"
)

// goldenSimilarity is that of the tiny model's golden pair in a precision.
func goldenSimilarity(t *testing.T, dir string, precision tfmodel.Precision) float64 {
	t.Helper()
	model, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{Device: tfmodel.DeviceCPU, Precision: precision})
	must(t, err)
	defer model.Close()
	pair := model.Card().GoldenPairs[0]
	var embeddings [2][]float32
	for i, name := range []string{pair.A, pair.B} {
		pixels, err := tfmodel.ReadGoldenPicture(dir, name, model.Card().Architecture)
		must(t, err)
		embeddings[i], err = model.Encode(t.Context(), pixels)
		must(t, err)
	}
	similarities, err := model.Compare(t.Context(), embeddings[0], embeddings[1])
	must(t, err)
	return float64(similarities[0])
}

// setGolden writes another similarity of the golden pair into a folder's card.
func setGolden(t *testing.T, dir string, similarity float64) {
	t.Helper()
	must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs[0].Similarity = similarity }))
}

// minGap is the least difference between the precisions that a golden
// similarity can be put between: well above what float32 rounds.
const minGap = 1e-5

// betweenPrecisions has the golden pair hold in float32 and not in bfloat16: it
// is moved away from both, as far as float32 stays within the tolerance.
func betweenPrecisions(t *testing.T, dir string) {
	t.Helper()
	exact, rounded := goldenSimilarity(t, dir, tfmodel.Float32Precision), goldenSimilarity(t, dir, tfmodel.BFloat16)
	gap := math.Abs(exact - rounded)
	if gap < minGap {
		t.Skipf("the golden pair has %g in float32 and %g in bfloat16: TensorFlow does not compute in bfloat16 on this processor", exact, rounded)
	}
	setGolden(t, dir, exact+math.Copysign(max(0, tfmodel.GoldenTolerance-gap/2), exact-rounded))
}

var (
	slowCPU = tfmodel.Processor{OnCPU: true}
	fastCPU = tfmodel.Processor{OnCPU: true, HasBFloat16: true}
	newGPU  = tfmodel.Processor{Capability: "9.0"}
)

func TestCandidates(t *testing.T) {
	const bfloat16, tf32, float32 = tfmodel.BFloat16, tfmodel.TensorFloat32, tfmodel.Float32Precision
	tests := []struct {
		give        tfmodel.Processor
		want        []tfmodel.Precision
		wantMissing string
	}{
		{slowCPU, []tfmodel.Precision{float32}, "the processor has neither AVX512-BF16 nor AMX-BF16"},
		{fastCPU, []tfmodel.Precision{bfloat16, float32}, ""},
		{newGPU, []tfmodel.Precision{bfloat16, tf32, float32}, ""},
		{tfmodel.Processor{Capability: "8.0"}, []tfmodel.Precision{bfloat16, tf32, float32}, ""},
		{tfmodel.Processor{Capability: "10.0"}, []tfmodel.Precision{bfloat16, tf32, float32}, ""},
		{tfmodel.Processor{}, []tfmodel.Precision{bfloat16, tf32, float32}, ""},
		{tfmodel.Processor{Capability: "7.5"}, []tfmodel.Precision{float32}, "the GPU's compute capability is 7.5, bfloat16 and tf32 need 8.0"},
		{tfmodel.Processor{Capability: "7.5", HasBFloat16: true}, []tfmodel.Precision{float32}, "the GPU's compute capability is 7.5, bfloat16 and tf32 need 8.0"},
	}
	for _, tt := range tests {
		got, missing := tt.give.Candidates()
		if !slices.Equal(got, tt.want) || missing != tt.wantMissing {
			t.Errorf("%+v: candidates = %v, %q, want %v, %q", tt.give, got, missing, tt.want, tt.wantMissing)
		}
	}
}

// TestOpenFirst: the model that is served is the one that was opened last, since
// TensorFloat32's switch is the process's.
func TestOpenFirst(t *testing.T) {
	const bfloat16, tf32, float32 = tfmodel.BFloat16, tfmodel.TensorFloat32, tfmodel.Float32Precision
	all := []tfmodel.Precision{bfloat16, tf32, float32}
	off := errors.New("off")
	tests := []struct {
		refused    map[tfmodel.Precision]error
		wantOpened []tfmodel.Precision
		wantReason string // of a model, else the error
	}{
		{nil, all[:1], "the golden pairs hold in bfloat16"},
		{map[tfmodel.Precision]error{bfloat16: off}, all[:2], "in bfloat16: off; the golden pairs hold in tf32"},
		{map[tfmodel.Precision]error{bfloat16: off, tf32: off}, all, "in bfloat16: off; in tf32: off"},
		{map[tfmodel.Precision]error{bfloat16: off, tf32: off, float32: errors.New("damaged")}, all, "damaged"},
	}
	for _, tt := range tests {
		model, opened, err := tfmodel.OpenFirst(t.Context(), all, tt.refused)
		if !slices.Equal(opened, tt.wantOpened) {
			t.Errorf("%v refused: opened %v, want %v", tt.refused, opened, tt.wantOpened)
		}
		switch {
		case err != nil:
			if err.Error() != tt.wantReason {
				t.Errorf("%v refused: error %v, want %s", tt.refused, err, tt.wantReason)
			}
		case model.Precision() != opened[len(opened)-1] || model.PrecisionReason() != tt.wantReason:
			t.Errorf("%v refused: precision %q, reason %q; want the last of %v, %q",
				tt.refused, model.Precision(), model.PrecisionReason(), opened, tt.wantReason)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, opened, err := tfmodel.OpenFirst(ended, all, map[tfmodel.Precision]error{bfloat16: off}); err == nil || len(opened) != 1 {
		t.Errorf("with a done context: opened %v, error %v, want one and an error", opened, err)
	}
}

func TestAutoPrecision(t *testing.T) {
	asExported := func(*testing.T, string) {}
	holdsInBFloat16 := func(t *testing.T, dir string) { setGolden(t, dir, goldenSimilarity(t, dir, tfmodel.BFloat16)) }
	const refused = "in bfloat16: its golden pair golden/pattern_a.png, golden/pattern_b.png has similarity 0."
	tests := []struct {
		give       string
		prepare    func(t *testing.T, dir string)
		on         tfmodel.Processor
		want       tfmodel.Precision
		wantReason string
	}{
		{"the golden pair holds", holdsInBFloat16, fastCPU, tfmodel.BFloat16, "the golden pairs hold in bfloat16"},
		{"the golden pair holds in float32 alone", betweenPrecisions, fastCPU, tfmodel.Float32Precision, refused},
		{"no instructions", asExported, slowCPU, tfmodel.Float32Precision, "neither AVX512-BF16 nor AMX-BF16"},
		{"the golden pair holds on a GPU", holdsInBFloat16, newGPU, tfmodel.BFloat16, "the golden pairs hold in bfloat16"},
		// On the CPU that this test runs on tf32 is float32.
		{"the golden pair holds in tf32 on a GPU", betweenPrecisions, newGPU, tfmodel.TensorFloat32, "; the golden pairs hold in tf32"},
		{"an old GPU", asExported, tfmodel.Processor{Capability: "7.0"}, tfmodel.Float32Precision, "compute capability is 7.0"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			dir := exportTiny(t)
			tt.prepare(t, dir)
			options := tfmodel.Options{Device: tfmodel.DeviceCPU, Precision: tfmodel.AutoPrecision}
			model, err := tfmodel.LoadOn(t.Context(), dir, options, tt.on)
			must(t, err)
			defer model.Close()
			if got := model.Precision(); got != tt.want {
				t.Errorf("Precision() = %q, want %q", got, tt.want)
			}
			if got := model.PrecisionReason(); !strings.Contains(got, tt.wantReason) {
				t.Errorf("PrecisionReason() = %q, want %q in it", got, tt.wantReason)
			}
		})
	}
}

// TestAutoPrecisionRefusesWhatHoldsInNeither: a wrong golden pair is no reason
// to serve in float32.
func TestAutoPrecisionRefusesWhatHoldsInNeither(t *testing.T) {
	dir := exportTiny(t)
	must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs[0].Similarity -= 0.1 }))
	for _, on := range []tfmodel.Processor{fastCPU, slowCPU, newGPU} {
		model, err := tfmodel.LoadOn(t.Context(), dir, tfmodel.Options{Precision: tfmodel.AutoPrecision}, on)
		if err == nil {
			_ = model.Close()
		}
		if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), "has similarity") {
			t.Errorf("LoadOn(%+v) = %v, want ErrModel with the golden pair", on, err)
		}
	}
}

// TestPrecisionAskedForByName: it is taken as it is, whatever the processor.
func TestPrecisionAskedForByName(t *testing.T) {
	tests := []struct {
		give, want tfmodel.Precision
		off        float64 // of the golden similarity from float32's
		wantErr    string
	}{
		{"", tfmodel.Float32Precision, 0, ""},
		{tfmodel.Float32Precision, tfmodel.Float32Precision, 0, ""},
		{tfmodel.Float32Precision, tfmodel.Float32Precision, 1.5 * tfmodel.GoldenTolerance, "± 0.001"},
		{tfmodel.BFloat16, tfmodel.BFloat16, 0, ""},
		{tfmodel.BFloat16, tfmodel.BFloat16, 1.5 * tfmodel.GoldenTolerance, ""},
		{tfmodel.BFloat16, tfmodel.BFloat16, 2 * tfmodel.BFloat16Tolerance, "± 0.02"},
	}
	for _, tt := range tests {
		dir := exportTiny(t)
		must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs[0].Similarity += tt.off }))
		for _, on := range []tfmodel.Processor{fastCPU, slowCPU} {
			model, err := tfmodel.LoadOn(t.Context(), dir, tfmodel.Options{Precision: tt.give}, on)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("LoadOn(%q), %g off: %v, want an error with %q", tt.give, tt.off, err, tt.wantErr)
				}
				continue
			}
			if err != nil {
				t.Errorf("LoadOn(%q), %g off: %v, want a model", tt.give, tt.off, err)
				continue
			}
			if model.Precision() != tt.want || model.PrecisionReason() != "" {
				t.Errorf("LoadOn(%q) = %q, reason %q; want %q and none", tt.give, model.Precision(), model.PrecisionReason(), tt.want)
			}
			must(t, model.Close())
		}
	}
}

// TestExportMeasuresInFloat32: a golden similarity that was measured in bfloat16
// would hold bfloat16 against itself.
func TestExportMeasuresInFloat32(t *testing.T) {
	measured := make(map[tfmodel.Precision]float64)
	for _, precision := range []tfmodel.Precision{tfmodel.Float32Precision, tfmodel.BFloat16} {
		dir := filepath.Join(t.TempDir(), "1")
		must(t, tfmodel.Export(t.Context(), dir, tinySource(t), tfmodel.Options{Precision: precision}))
		var card tfmodel.Card
		must(t, json.Unmarshal(read(t, dir, "assets.extra/model.json"), &card))
		measured[precision] = card.GoldenPairs[0].Similarity
	}
	if measured[tfmodel.Float32Precision] != measured[tfmodel.BFloat16] {
		t.Errorf("golden similarities by the precision asked for: %v, want the same", measured)
	}
}
