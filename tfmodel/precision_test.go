package tfmodel_test

import (
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
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

func TestAutoPrecision(t *testing.T) {
	asExported := func(*testing.T, string) {}
	tests := []struct {
		give       string
		prepare    func(t *testing.T, dir string)
		fast       bool
		want       tfmodel.Precision
		wantReason string
	}{
		{"the golden pair holds", func(t *testing.T, dir string) {
			setGolden(t, dir, goldenSimilarity(t, dir, tfmodel.BFloat16))
		}, true, tfmodel.BFloat16, "the golden pairs hold in bfloat16"},
		{"the golden pair holds in float32 alone", betweenPrecisions, true, tfmodel.Float32Precision,
			"in bfloat16: its golden pair golden/pattern_a.png, golden/pattern_b.png has similarity 0."},
		{"no instructions", asExported, false, tfmodel.Float32Precision, "neither AVX512-BF16 nor AMX-BF16"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			dir := exportTiny(t)
			tt.prepare(t, dir)
			options := tfmodel.Options{Device: tfmodel.DeviceCPU, Precision: tfmodel.AutoPrecision}
			model, err := tfmodel.LoadOn(t.Context(), dir, options, tt.fast)
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
	for _, fast := range []bool{true, false} {
		model, err := tfmodel.LoadOn(t.Context(), dir, tfmodel.Options{Precision: tfmodel.AutoPrecision}, fast)
		if err == nil {
			_ = model.Close()
		}
		if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), "has similarity") {
			t.Errorf("LoadOn with bfloat16 instructions: %v = %v, want ErrModel with the golden pair", fast, err)
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
		for _, fast := range []bool{true, false} {
			model, err := tfmodel.LoadOn(t.Context(), dir, tfmodel.Options{Precision: tt.give}, fast)
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
