package tfmodel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// cardFile is the card's place within a SavedModel folder.
const cardFile = extraFolder + "/model.json"

// Card is what a model says about itself: model.json in a SavedModel's
// assets.extra, or the file beside a weight file that has its name and ".json".
type Card struct {
	// Name is the model's name, told to clients.
	Name string `json:"name"`
	// Architecture gives the network's sizes.
	Architecture Architecture `json:"architecture"`
	// Parameters counts the trained values.
	Parameters int `json:"parameters"`
	// Input says in words what the network takes.
	Input string `json:"input"`
	// Weights identifies the weights.
	Weights WeightsCard `json:"weights"`
	// Threshold is the similarity, 0 to 1, from which the verdict is "same".
	Threshold float64 `json:"threshold"`
	// ThresholdNote says how it was chosen and the errors measured at it.
	ThresholdNote string `json:"threshold_note,omitempty"`
	// Verification holds what the errors at the threshold were measured to be,
	// one entry for each kind of pairs.
	Verification []VerificationCard `json:"verification,omitempty"`
	// GoldenPairs are pairs with the similarity that the model must give them.
	GoldenPairs []GoldenPair `json:"golden_pairs"`
	// Training says how the model was trained. This program only passes it on.
	Training json.RawMessage `json:"training,omitempty"`
	// Files holds the SHA-256 of each file of the SavedModel by its path within
	// the folder: TensorFlow has no check of its own and would serve a flipped
	// bit.
	Files map[string]string `json:"files,omitempty"`
}

// WeightsCard identifies weights.
type WeightsCard struct {
	// SHA256 is the hash of the weight file that they came from, if any.
	SHA256 string `json:"sha256,omitempty"`
	// Digest is Architecture.Digest: the same for the same values in the same encoder, from any file.
	// Embeddings are bound to it.
	Digest string `json:"digest"`
}

// GoldenPair is a pair of pictures with its similarity.
type GoldenPair struct {
	// A and B are PNG files of exactly the input's size, by their path relative
	// to the card.
	A string `json:"a"`
	B string `json:"b"`
	// Similarity is what the model must answer, within GoldenTolerance.
	Similarity float64 `json:"similarity"`
}

// VerificationCard is one measurement of how well similarities tell same pairs
// from different ones. Shares are 0 to 1.
type VerificationCard struct {
	// Data is the name of the folder or zip that the pairs were drawn from.
	Data string `json:"data"`
	// HeldOut says in words which part of it was measured.
	HeldOut string `json:"held_out"`
	// Negatives is where the different pairs came from: "any" class, or the
	// "same-alphabet".
	Negatives string `json:"negatives"`
	// Pairs counts the pairs, Same those of them that are of one class.
	Pairs int `json:"pairs"`
	Same  int `json:"same"`
	// Threshold is the one of the most right verdicts on these pairs; Accuracy
	// is the share of right verdicts at it, FalseAccepts that of different pairs
	// called the same, FalseRejects that of same pairs called different.
	Threshold    float64 `json:"threshold"`
	Accuracy     float64 `json:"accuracy"`
	FalseAccepts float64 `json:"false_accepts"`
	FalseRejects float64 `json:"false_rejects"`
	// EqualError is the error where both kinds are as frequent, AUC the area
	// under the ROC curve.
	EqualError float64 `json:"equal_error"`
	AUC        float64 `json:"auc"`
	// Operating holds the thresholds at which false accepts stay within a bound.
	Operating []OperatingCard `json:"operating,omitempty"`
}

// OperatingCard is the point with the fewest same pairs refused among those
// whose share of false accepts is at most MaxFalseAccepts.
type OperatingCard struct {
	MaxFalseAccepts float64 `json:"max_false_accepts"`
	Threshold       float64 `json:"threshold"`
	FalseAccepts    float64 `json:"false_accepts"`
	FalseRejects    float64 `json:"false_rejects"`
}

// Validate returns an error that names the first field out of range, nil if there
// is none.
func (c Card) Validate() error {
	if c.Name == "" {
		return errors.New("card: name is empty")
	}
	if err := c.Architecture.Validate(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	if !(c.Threshold >= 0 && c.Threshold <= 1) {
		return fmt.Errorf("card: threshold %v, want 0 to 1", c.Threshold)
	}
	if want := c.Architecture.Parameters(); c.Parameters != want {
		return fmt.Errorf("card: %d parameters, but the architecture has %d", c.Parameters, want)
	}
	return nil
}

// ParseCard reads the JSON form.
func ParseCard(data []byte) (Card, error) {
	var card Card
	if err := json.Unmarshal(data, &card); err != nil {
		return Card{}, fmt.Errorf("card: %w", err)
	}
	return card, card.Validate()
}

// readCard reads the card of a SavedModel folder.
func readCard(dir string) (Card, error) {
	data, err := os.ReadFile(filepath.Join(dir, cardFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Card{}, fmt.Errorf("it has no %s, the card that this program writes into its models: make it from a weight file instead", cardFile)
	}
	if err != nil {
		return Card{}, err
	}
	return ParseCard(data)
}

// writeCard writes the card of a SavedModel folder with the hashes of its files.
func writeCard(dir string, card Card) error {
	files, err := hashFiles(dir)
	if err != nil {
		return err
	}
	card.Files = files
	data, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return fmt.Errorf("write card: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, cardFile), append(data, '\n'), 0o644)
}

// checkFiles compares a folder's files with the hashes in its card.
func checkFiles(dir string, card Card) error {
	if len(card.Files) == 0 {
		return fmt.Errorf("its card names no files, want the SHA-256 of each")
	}
	found, err := hashFiles(dir)
	if err != nil {
		return err
	}
	for name, want := range card.Files {
		got, ok := found[name]
		if !ok {
			return fmt.Errorf("its file %s is missing", name)
		}
		if got != want {
			return fmt.Errorf("its file %s is damaged or half-written: SHA-256 is %s, its card says %s", name, got, want)
		}
	}
	for name := range found {
		if _, ok := card.Files[name]; !ok {
			return fmt.Errorf("its file %s is not named in its card", name)
		}
	}
	return nil
}

// hashFiles hashes every file of a folder but the card.
func hashFiles(dir string) (map[string]string, error) {
	hashes := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || filepath.ToSlash(name) == cardFile {
			return err
		}
		hashes[filepath.ToSlash(name)], err = hashFile(path)
		return err
	})
	return hashes, err
}

func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read %q: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
