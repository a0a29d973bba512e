package tfmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"siamese/internal/regular"
	"siamese/tfmodel/familiarity"
)

// cardFile is the card's place within a SavedModel folder.
const cardFile = extraFolder + "/model.json"

// Card is what a model says about itself: model.json in a SavedModel's
// assets.extra, or the file beside a weight file that has its name and ".json".
type Card struct {
	// Name is the model's name, told to clients.
	Name string `json:"name"`
	// Title says in a word or two, for people, what the model is for, such as
	// "Pictures".
	Title string `json:"title,omitempty"`
	// Knows says in a sentence or two, for people, what the model knows.
	Knows string `json:"knows,omitempty"`
	// Architecture gives the network's sizes.
	Architecture Architecture `json:"architecture"`
	// Parameters counts the trained values.
	Parameters int `json:"parameters"`
	// Input says in words what the network takes.
	Input string `json:"input"`
	// Weights identifies the weights.
	Weights WeightsCard `json:"weights"`
	// EmbeddingMax is the largest value that an embedding can have; the smallest is
	// 0, or minus that behind a projection. It follows from the weights for pixels of 0 to 1, whatever the picture: a
	// bound, far above what pictures give. Export computes it. 0: unknown, in
	// cards of older programs.
	EmbeddingMax float64 `json:"embedding_max,omitempty"`
	// Threshold is the similarity, 0 to 1, from which the verdict is "same".
	Threshold float64 `json:"threshold"`
	// ThresholdNote says how it was chosen and the errors measured at it.
	ThresholdNote string `json:"threshold_note,omitempty"`
	// Verification holds what the errors at the threshold were measured to be,
	// one entry for each kind of pairs.
	Verification []VerificationCard `json:"verification,omitempty"`
	// GoldenPairs are pairs with the similarity that the model must give them, at most
	// 100.
	GoldenPairs []GoldenPair `json:"golden_pairs"`
	// Familiarity is what pictures look like that the model knows. Nil: it does not tell.
	Familiarity *familiarity.Statistic `json:"familiarity,omitempty"`
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
	if err := checkName(c.Name); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	if err := c.Architecture.Validate(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	if !(c.Threshold >= 0 && c.Threshold <= 1) {
		return fmt.Errorf("card: threshold %v, want 0 to 1", c.Threshold)
	}
	if !(c.EmbeddingMax >= 0 && c.EmbeddingMax <= math.MaxFloat32) {
		return fmt.Errorf("card: embedding_max %v, want 0 or more and a float32", c.EmbeddingMax)
	}
	if want := c.Architecture.Parameters(); c.Parameters != want {
		return fmt.Errorf("card: %d parameters, but the architecture has %d", c.Parameters, want)
	}
	if len(c.GoldenPairs) > maxGoldenPairs {
		return fmt.Errorf("card: %d golden pairs, want at most %d", len(c.GoldenPairs), maxGoldenPairs)
	}
	if c.Familiarity != nil {
		if err := c.Familiarity.Validate(c.Architecture.EmbeddingLength()); err != nil {
			return fmt.Errorf("card: %w", err)
		}
	}
	for _, text := range []string{c.Title, c.Knows} {
		if len(text) > maxTextBytes || !utf8.ValidString(text) {
			return fmt.Errorf("card: title or knows has %d bytes, want UTF-8 of at most %d: %.32q", len(text), maxTextBytes, text)
		}
	}
	return nil
}

// maxTextBytes bounds what a card tells people.
const maxTextBytes = 1000

// maxGoldenPairs bounds what is computed at each load: this program writes one pair,
// the built-in models have two.
const maxGoldenPairs = 100

// maxNameBytes bounds a model's name: what a file's name can have on usual systems.
const maxNameBytes = 255

// checkName returns an error unless a model can have this name: clients are told
// it, and tools may make a file's name, a label or an argument of it.
func checkName(name string) error {
	printable := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
	switch {
	case name == "":
		return errors.New("model name is empty")
	case len(name) > maxNameBytes:
		return fmt.Errorf("model name %.32q… has %d bytes, want at most %d", name, len(name), maxNameBytes)
	case strings.ContainsAny(name, `/\`) || strings.ContainsFunc(name, func(r rune) bool { return !printable(r) }):
		return fmt.Errorf("model name %q: want printable characters, and no slash or backslash", name)
	case name[0] == '.' || name[0] == '-' || name != strings.TrimSpace(name):
		return fmt.Errorf("model name %q: want no dot, dash or space at its beginning, and no space at its end", name)
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
	data, err := regular.Read(filepath.Join(dir, cardFile), maxCardBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return Card{}, fmt.Errorf("it has no %s, the card that this program writes into its models: make it from a weight file instead", cardFile)
	}
	if err != nil {
		return Card{}, err
	}
	return ParseCard(data)
}

// writeCard writes the card of a SavedModel folder with the hashes of its files.
func writeCard(ctx context.Context, dir string, card Card) error {
	names, err := listFiles(dir)
	if err != nil {
		return err
	}
	card.Files = make(map[string]string)
	for _, name := range names {
		if card.Files[name], err = regular.SHA256(ctx, filepath.Join(dir, name), maxModelFileBytes); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return fmt.Errorf("write card: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, cardFile), append(data, '\n'), 0o644)
}

// checkFiles compares a folder's files with the hashes in its card. Only files that
// the card names are opened.
func checkFiles(ctx context.Context, dir string, card Card) error {
	if len(card.Files) == 0 {
		return fmt.Errorf("its card names no files, want the SHA-256 of each")
	}
	found, err := listFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range found {
		if _, ok := card.Files[name]; !ok {
			return fmt.Errorf("its file %s is not named in its card", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(card.Files)) {
		if !slices.Contains(found, name) {
			return fmt.Errorf("its file %s is missing: copy the whole folder again, or write it again by 'siamese export'", name)
		}
		got, err := regular.SHA256(ctx, filepath.Join(dir, filepath.FromSlash(name)), maxModelFileBytes)
		if err != nil {
			return err
		}
		if want := card.Files[name]; got != want {
			return fmt.Errorf("its file %s is damaged or half-written: SHA-256 is %s, its card says %s", name, got, want)
		}
	}
	return nil
}

// listFiles lists the files of a folder but the card, by their paths in it with
// slashes. Links to folders are listed, not followed.
func listFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || filepath.ToSlash(name) == cardFile {
			return err
		}
		if len(names) == maxModelFiles {
			return fmt.Errorf("it holds more than %d files, want those of one model", maxModelFiles)
		}
		names = append(names, filepath.ToSlash(name))
		return nil
	})
	return names, err
}
