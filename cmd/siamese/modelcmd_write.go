package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"siamese/tfmodel"
	"siamese/train/checkpoint"
	"siamese/weights"
)

// writeWithCard writes a weight file, its card beside it, and the pictures of
// its golden pairs in a folder that has the file's name, so that models share a
// folder in peace. The weights come last: no new file is ever without its card.
func writeWithCard(out io.Writer, file string, source tfmodel.Source, format string) error {
	if err := source.Card.Architecture.Check(source.Weights); err != nil {
		return err
	}
	content, written, err := encodeWeights(source.Weights, format)
	if err != nil {
		return err
	}
	card := source.Card
	if written.Digest() != source.Weights.Digest() {
		card.GoldenPairs = nil // rounded weights answer otherwise; opening the file draws pairs anew
	}
	hash := sha256.Sum256(content)
	card.Parameters, card.Files = card.Architecture.Parameters(), nil
	card.Weights = tfmodel.WeightsCard{SHA256: hex.EncodeToString(hash[:]), Digest: written.Digest()}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if card.GoldenPairs, err = copyGoldenPairs(file, card.GoldenPairs, source.Pictures); err != nil {
		return err
	}
	if err := replaceCard(tfmodel.CardPath(file), card); err != nil {
		return err
	}
	if err := checkpoint.Replace(file, writeBytes(content)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s of %s\n", file, format, card.Name)
	return err
}

// encodeWeights gives a file's content and the weights as a reader finds them.
func encodeWeights(set *weights.Set, format string) (content []byte, written *weights.Set, err error) {
	var encoded bytes.Buffer
	switch format {
	case formatKeras:
		return encodedKeras(set)
	case formatSafetensors:
		err = weights.WriteSafetensors(&encoded, set, weights.Float32, nil)
	case formatSafetensorsFP16:
		err = weights.WriteSafetensors(&encoded, set, weights.Float16, nil)
	default:
		err = fmt.Errorf("format %q, want %s, %s or %s", format, formatSafetensors, formatSafetensorsFP16, formatKeras)
	}
	if err != nil {
		return nil, nil, err
	}
	written, _, err = weights.ReadSafetensors(bytes.NewReader(encoded.Bytes()), int64(encoded.Len()))
	return encoded.Bytes(), written, err
}

func encodedKeras(set *weights.Set) ([]byte, *weights.Set, error) {
	var encoded bytes.Buffer
	err := weights.WriteSiameseKeras(&encoded, set)
	return encoded.Bytes(), set, err
}

// copyGoldenPairs copies the pictures of golden pairs to beside a weight file
// and gives the pairs with their new names.
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
	return checkpoint.Replace(target, writeBytes(content))
}

// replaceCard writes a card in place of the one that may be there.
func replaceCard(file string, card tfmodel.Card) error {
	content, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.Replace(file, writeBytes(append(content, '\n')))
}
