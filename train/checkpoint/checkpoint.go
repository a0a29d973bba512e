// Package checkpoint keeps the whole state of a training run in one file: what
// the trainer holds, where the sampler is, how far the run has come and by which
// configuration. A run that goes on from it goes on as if it had never stopped.
package checkpoint

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"siamese/internal/atomicfile"
	"siamese/internal/regular"
	"siamese/weights"
)

// Checkpoint is the state of a run after a step.
type Checkpoint struct {
	// Config is the run's configuration as JSON; its form is the run's affair.
	Config json.RawMessage
	// Progress is how far the run has come, as JSON likewise.
	Progress json.RawMessage
	// Sampler is the sampler's state after the last batch that was learnt from.
	Sampler []byte
	// State holds weights, optimizer slots, averages and steps.
	State *weights.Set
}

// The names within a file's metadata.
const (
	configKey   = "config"
	progressKey = "progress"
	samplerKey  = "sampler"
	formatKey   = "siamese_checkpoint"
	format      = "1"
)

// Save writes a checkpoint in place of the one that may be there. The file is
// the old one or the new one, whole, whatever happens in between.
func Save(path string, checkpoint Checkpoint) error {
	return atomicfile.Replace(path, func(w io.Writer) error { return write(w, checkpoint) })
}

func write(w io.Writer, checkpoint Checkpoint) error {
	return weights.WriteSafetensors(w, checkpoint.State, weights.Float32, map[string]string{
		formatKey:   format,
		configKey:   string(checkpoint.Config),
		progressKey: string(checkpoint.Progress),
		samplerKey:  base64.StdEncoding.EncodeToString(checkpoint.Sampler),
	})
}

// maxBytes bounds a checkpoint: three times the values of the largest weight file,
// for an optimizer with two slots.
const maxBytes = 12 << 30

// Load reads a checkpoint.
func Load(path string) (Checkpoint, error) {
	file, err := regular.Open(path, maxBytes)
	if err != nil {
		return Checkpoint{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Checkpoint{}, err
	}
	state, metadata, err := weights.ReadSafetensors(file, info.Size())
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %q: %w", path, err)
	}
	if got := metadata[formatKey]; got != format {
		return Checkpoint{}, fmt.Errorf("checkpoint %q: its format is %q, want %q: it is weights alone, or of another version", path, got, format)
	}
	sampler, err := base64.StdEncoding.DecodeString(metadata[samplerKey])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %q: sampler: %w", path, err)
	}
	return Checkpoint{
		Config:   json.RawMessage(metadata[configKey]),
		Progress: json.RawMessage(metadata[progressKey]),
		Sampler:  sampler,
		State:    state,
	}, nil
}
