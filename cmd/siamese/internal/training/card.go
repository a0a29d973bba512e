package training

import (
	"cmp"
	"encoding/json"
	"path/filepath"

	"siamese/cmd/siamese/internal/datasets"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train/evaluate"
	"siamese/weights"
)

// uncalibrated is the note of a threshold at which nothing was measured.
const uncalibrated = "Not calibrated: `siamese eval verify` measures the errors at it."

// newCard is the card of weights that were just made.
func newCard(name string, architecture tfmodel.Architecture) tfmodel.Card {
	return tfmodel.Card{
		Name:          name,
		Architecture:  architecture,
		Input:         "uint8 RGB at height × width; inside the graph float32 in [0,1]",
		Threshold:     evaluate.DefaultThreshold,
		ThresholdNote: uncalibrated,
	}
}

// folderName is the last part of a run folder's path.
func folderName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}

// weightSaver writes weights as a Siamese-keras checkpoint, with a card beside.
func weightSaver(dir string, flags trainFlags) func(name string, set *weights.Set) error {
	return func(name string, set *weights.Set) error {
		how, err := json.Marshal(flags)
		if err != nil {
			return err
		}
		card := newCard(cmp.Or(flags.Name, folderName(dir)), flags.architecture())
		card.Training = how
		return modelfile.WriteNew(filepath.Join(dir, name)+".h5", card, set, modelfile.Keras)
	}
}

// Recorded returns the data that a model was trained on, with what was held out of them, and
// their digest (dataset.Report.Digest), as the model's card has them of its run's
// configuration. ok is false where it has none.
func Recorded(card tfmodel.Card) (data datasets.Config, digest string, ok bool) {
	flags, err := defaultFlags()
	if err != nil || json.Unmarshal(card.Training, &flags) != nil || flags.DataDigest == "" {
		return datasets.Config{}, "", false
	}
	return flags.data(), flags.DataDigest, true
}
