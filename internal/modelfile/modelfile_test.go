package modelfile_test

import (
	"os"
	"path/filepath"
	"testing"

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
