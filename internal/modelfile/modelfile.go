// Package modelfile writes weight files with the card beside them, which together
// are a model.
package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"siamese/internal/atomicfile"
	"siamese/tfmodel"
	"siamese/weights"
)

// Format is a form of weight file.
type Format string

// The formats of Write.
const (
	Safetensors     Format = "safetensors"
	SafetensorsFP16 Format = "safetensors-fp16" // half the size
	Keras           Format = "keras-h5"         // a Siamese-keras checkpoint
)

// Ending is the ending of a file of the format: ".safetensors" or ".h5".
func (f Format) Ending() string {
	if f == Keras {
		return ".h5"
	}
	return ".safetensors"
}

// Write writes a weight file, its card beside it, and the pictures of its golden
// pairs in a folder that has the file's name, so that several models can share a
// folder. Files that are there are replaced. The card's sizes, digest and hash
// become those of what is written; golden pairs that rounding to float16 would
// change are left out. The weights come last: no new file is ever without its card.
func Write(file string, source tfmodel.Source, format Format) error {
	if err := source.Card.Architecture.Check(source.Weights); err != nil {
		return err
	}
	content, written, err := encode(source, format)
	if err != nil {
		return err
	}
	card := source.Card
	if written.Digest() != source.Weights.Digest() {
		card.GoldenPairs = nil // opening the file draws pairs of its own
	}
	hash := sha256.Sum256(content)
	card.Parameters, card.Files = card.Architecture.Parameters(), nil
	card.Weights = tfmodel.WeightsCard{SHA256: hex.EncodeToString(hash[:]), Digest: card.Architecture.Digest(written)}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if card.GoldenPairs, err = copyGoldenPairs(file, card.GoldenPairs, source.Pictures); err != nil {
		return err
	}
	if err := WriteCard(tfmodel.CardPath(file), card); err != nil {
		return err
	}
	return atomicfile.Write(file, content)
}

// WriteNew is Write in float32 for weights that were changed: golden pairs and
// measurements of the card are of the weights before and are left out.
func WriteNew(file string, card tfmodel.Card, set *weights.Set, format Format) error {
	card.GoldenPairs, card.Verification = nil, nil
	return Write(file, tfmodel.Source{Card: card, Weights: set}, format)
}

// WriteCard writes a card in place of the one that may be there.
func WriteCard(file string, card tfmodel.Card) error {
	content, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(file, append(content, '\n'))
}

// encode returns a file's content and the weights as a reader finds them.
func encode(source tfmodel.Source, format Format) (content []byte, written *weights.Set, err error) {
	set := source.Weights
	metadata, err := source.Card.Architecture.Metadata()
	if err != nil {
		return nil, nil, err
	}
	var encoded bytes.Buffer
	switch format {
	case Keras, Safetensors:
		if written = set; format == Keras {
			err = weights.WriteSiameseKeras(&encoded, set)
		} else {
			err = weights.WriteSafetensors(&encoded, set, weights.Float32, metadata)
		}
	case SafetensorsFP16:
		if err = weights.WriteSafetensors(&encoded, set, weights.Float16, metadata); err == nil {
			written, _, err = weights.ReadSafetensors(bytes.NewReader(encoded.Bytes()), int64(encoded.Len()))
		}
	default:
		err = fmt.Errorf("format %q, want %s, %s or %s", format, Safetensors, SafetensorsFP16, Keras)
	}
	return encoded.Bytes(), written, err
}

// copyGoldenPairs copies the pictures of golden pairs to beside a weight file and
// returns the pairs with their new names.
func copyGoldenPairs(file string, pairs []tfmodel.GoldenPair, pictures fs.FS) ([]tfmodel.GoldenPair, error) {
	if len(pairs) > 0 && pictures == nil {
		return nil, errors.New("the card names golden pairs, but the model has no pictures")
	}
	base := filepath.Base(file)
	folder := strings.TrimSuffix(base, filepath.Ext(base)) + ".golden"
	copied := make([]tfmodel.GoldenPair, len(pairs))
	for i, pair := range pairs {
		names := [2]string{path.Join(folder, fmt.Sprintf("%da.png", i+1)), path.Join(folder, fmt.Sprintf("%db.png", i+1))}
		copied[i] = tfmodel.GoldenPair{A: names[0], B: names[1], Similarity: pair.Similarity}
		for side, name := range [2]string{pair.A, pair.B} {
			content, err := fs.ReadFile(pictures, name)
			if err != nil {
				return nil, fmt.Errorf("golden picture: %w", err)
			}
			if err := writeBeside(file, names[side], content); err != nil {
				return nil, err
			}
		}
	}
	return copied, nil
}

// writeBeside writes a file by its path relative to another's folder.
func writeBeside(file, name string, content []byte) error {
	target := filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(target, content)
}
