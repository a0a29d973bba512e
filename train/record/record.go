// Package record writes what a training run leaves behind while it trains:
//
//   - metrics.jsonl: one JSON object a line, as Entry says
//   - epoch_loss.txt, epoch_val_loss.txt: one mean loss a line, one line an epoch
//   - epoch_loss.png: both as curves, with their smoothed forms
//   - events.out.tfevents.…: the same numbers and pictures for TensorBoard
//
// It also draws the pictures that an evaluation shows: sample pairs, ROC curves
// and reliability plots.
//
// Files grow by whole lines or records only, or are replaced as a whole, so
// that one that is read while the run goes on, or after it was killed, is sound
// but for a last line that was cut off; resuming removes such a line.
package record

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The names of the files in a run folder. Event files carry their time.
const (
	MetricsFile        = "metrics.jsonl"
	LossFile           = "epoch_loss.txt"
	ValidationLossFile = "epoch_val_loss.txt"
	LossPlotFile       = "epoch_loss.png"
)

// Config says where a run writes and where it goes on.
type Config struct {
	Dir    string           // the run folder; made where it is missing
	Step   int64            // steps that are done already; later lines of an earlier attempt are dropped
	Epochs int              // epochs that are done already; later losses of an earlier attempt are dropped
	Now    func() time.Time // the clock that stamps lines and events; nil = time.Now
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("record: Dir is empty, expected the run folder")
	}
	if c.Step < 0 {
		return fmt.Errorf("record: Step is %d, expected 0 or more", c.Step)
	}
	if c.Epochs < 0 {
		return fmt.Errorf("record: Epochs is %d, expected 0 or more", c.Epochs)
	}
	return nil
}

// Recorder writes one run's files. It is not safe for concurrent use. Close it.
type Recorder struct {
	metrics *metrics
	losses  *losses
	events  *Events
}

// Open makes the run folder or goes on in it. What an earlier attempt wrote
// past Step and Epochs is dropped; a mark in the event file makes TensorBoard drop it.
func Open(config Config) (*Recorder, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if err := os.MkdirAll(config.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	losses, err := openLosses(config.Dir, config.Epochs)
	if err != nil {
		return nil, err
	}
	metrics, err := openMetrics(filepath.Join(config.Dir, MetricsFile), config.Step, config.Now)
	if err != nil {
		return nil, err
	}
	events, err := NewEvents(config.Dir, config.Step, config.Now)
	if err != nil {
		return nil, errors.Join(err, metrics.close())
	}
	return &Recorder{metrics: metrics, losses: losses, events: events}, nil
}

// Write appends the entry to metrics.jsonl and each of its values to the event
// file as a scalar.
func (r *Recorder) Write(entry Entry) error {
	if err := r.metrics.write(entry); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(entry.Values)) {
		if err := r.events.Scalar(entry.Step, name, entry.Values[name]); err != nil {
			return err
		}
	}
	return nil
}

// Epoch adds an epoch's mean losses to the text files and replaces the plot.
// A validation loss of NaN means that the run has no validation part.
func (r *Recorder) Epoch(loss, validationLoss float64) error {
	return r.losses.add(loss, validationLoss)
}

// Image adds a PNG to the event file under the tag.
func (r *Recorder) Image(step int64, tag string, png []byte) error {
	return r.events.Image(step, tag, png)
}

// Close brings everything to the disk. The Recorder is of no use afterwards.
func (r *Recorder) Close() error {
	return errors.Join(r.metrics.close(), r.events.Close())
}
