package modelfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/internal/modelfile"
	"siamese/tfmodel"
)

// TestWriteDescribesWhatIsWritten: a file of each format is read back with its card,
// whose digest is that of the values as the format keeps them.
func TestWriteDescribesWhatIsWritten(t *testing.T) {
	architecture := tfmodel.VGG16(32, 32)
	set, err := tfmodel.Initial(architecture, 1)
	if err != nil {
		t.Fatal(err)
	}
	card := tfmodel.Card{Name: "small", Architecture: architecture, Threshold: 0.5}
	tests := []struct {
		give     modelfile.Format
		wantSame bool
	}{
		{modelfile.Safetensors, true},
		{modelfile.SafetensorsFP16, false}, // rounded
		{modelfile.Keras, true},
	}
	for _, tt := range tests {
		file := filepath.Join(t.TempDir(), "new", "small"+tt.give.Ending())
		if err := modelfile.WriteNew(file, card, set, tt.give); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(tfmodel.CardPath(file))
		if err != nil {
			t.Fatal(err)
		}
		written, err := tfmodel.ParseCard(content)
		if err != nil {
			t.Fatal(err)
		}
		source, err := tfmodel.ReadSource(t.Context(), file, tfmodel.Trust{})
		if err != nil {
			t.Fatalf("%s: %v", tt.give, err)
		}
		digest := source.Weights.Digest()
		if written.Weights.Digest != digest || (digest == set.Digest()) != tt.wantSame || written.Parameters != architecture.Parameters() {
			t.Errorf("%s: card has digest %s and %d parameters, the file's weights %s, those given %s", tt.give, written.Weights.Digest, written.Parameters, digest, set.Digest())
		}
	}
	if err := modelfile.WriteNew(filepath.Join(t.TempDir(), "x"), card, set, "onnx"); err == nil {
		t.Error("a format that is not known was written")
	}
}

// TestWriteSaysHowItPools: a safetensors file of a pooled network is whole without its
// card; a Keras file needs the card, and says so.
func TestWriteSaysHowItPools(t *testing.T) {
	architecture := tfmodel.VGG16(40, 48)
	architecture.Pooling, architecture.GeMPower = tfmodel.GeM, 2
	architecture = architecture.Projected()
	set, err := tfmodel.Initial(architecture, 1)
	if err != nil {
		t.Fatal(err)
	}
	card := tfmodel.Card{Name: "small", Architecture: architecture, Threshold: 0.5}
	for _, format := range []modelfile.Format{modelfile.Safetensors, modelfile.SafetensorsFP16, modelfile.Keras} {
		file := filepath.Join(t.TempDir(), "small"+format.Ending())
		if err := modelfile.WriteNew(file, card, set, format); err != nil {
			t.Fatal(err)
		}
		withCard, err := tfmodel.ReadSource(t.Context(), file, tfmodel.Trust{})
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if got, want := withCard.Card.Weights.Digest, architecture.Digest(withCard.Weights); got != want {
			t.Errorf("%s: card has digest %s, want the encoder's, %s", format, got, want)
		}
		if err := os.Remove(tfmodel.CardPath(file)); err != nil {
			t.Fatal(err)
		}
		alone, err := tfmodel.ReadSource(t.Context(), file, tfmodel.Trust{})
		if format == modelfile.Keras {
			if err == nil || !strings.Contains(err.Error(), "which they don't say how: want a card") {
				t.Errorf("%s without its card: %v, want an error that asks for it", format, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s without its card: %v", format, err)
		}
		if diff := cmp.Diff(architecture, alone.Card.Architecture); diff != "" {
			t.Errorf("%s: architecture without the card (-want +got):\n%s", format, diff)
		}
	}
}
