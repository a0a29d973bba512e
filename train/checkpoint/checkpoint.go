// Package checkpoint keeps the whole state of a training run in one file: what
// the trainer holds, where the sampler is, how far the run has come and by which
// configuration. A run that goes on from it goes on as if it had never stopped.
package checkpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	// Unverified says that the file is of before checksums were kept, so that
	// damage to it may go unnoticed. Save takes no notice of it.
	Unverified bool
}

// The names within a file's metadata.
const (
	configKey   = "config"
	progressKey = "progress"
	samplerKey  = "sampler"
	sumKey      = "sha256"
	formatKey   = "siamese_checkpoint"
	format      = "2"
	formatNoSum = "1" // has no checksum
)

// sum is the checksum of a whole checkpoint as 64 hex digits: the SHA-256 of its
// metadata, each with its length before it, and of the state's digest.
func sum(metadata map[string]string, state *weights.Set) string {
	h := sha256.New()
	for _, part := range []string{metadata[formatKey], metadata[configKey], metadata[progressKey], metadata[samplerKey], state.Digest()} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Save writes a checkpoint in place of the one that may be there. The file is
// the old one or the new one, whole, whatever happens in between.
func Save(path string, checkpoint Checkpoint) error {
	return atomicfile.Replace(path, func(w io.Writer) error { return write(w, checkpoint) })
}

func write(w io.Writer, checkpoint Checkpoint) error {
	metadata := map[string]string{
		formatKey:   format,
		configKey:   string(checkpoint.Config),
		progressKey: string(checkpoint.Progress),
		samplerKey:  base64.StdEncoding.EncodeToString(checkpoint.Sampler),
	}
	metadata[sumKey] = sum(metadata, checkpoint.State)
	return weights.WriteSafetensors(w, checkpoint.State, weights.Float32, metadata)
}

// ErrDamaged: the file is not what Save wrote.
var ErrDamaged = errors.New("it is damaged, or no checkpoint")

// maxBytes bounds a checkpoint: three times the values of the largest weight file,
// for an optimizer with two slots.
const maxBytes = 12 << 30

// Load reads a checkpoint, and refuses one that is not as it was saved with ErrDamaged.
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
		return Checkpoint{}, fmt.Errorf("checkpoint %q: %w: %w", path, ErrDamaged, err)
	}
	summed, hasSum := metadata[sumKey]
	unverified := metadata[formatKey] == formatNoSum && !hasSum
	switch got := metadata[formatKey]; {
	case got != format && !unverified:
		return Checkpoint{}, fmt.Errorf("checkpoint %q: %w: its format is %.16q, want %q: it is weights alone, or of another version", path, ErrDamaged, got, format)
	case !unverified && summed != sum(metadata, state):
		return Checkpoint{}, fmt.Errorf("checkpoint %q: %w: what it holds has not the checksum that was saved with it", path, ErrDamaged)
	}
	sampler, err := base64.StdEncoding.DecodeString(metadata[samplerKey])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %q: %w: sampler: %w", path, ErrDamaged, err)
	}
	return Checkpoint{
		Config:   json.RawMessage(metadata[configKey]),
		Progress: json.RawMessage(metadata[progressKey]),
		Sampler:  sampler,
		State:    state,

		Unverified: unverified,
	}, nil
}
