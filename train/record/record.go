// Package record writes what a training run leaves behind while it trains:
//
//   - metrics.jsonl: one JSON object a line, as Entry says
//   - epoch_loss.txt, epoch_val_loss.txt: one mean loss a line, one line an epoch
//   - epoch_loss.png: both as curves, with their smoothed forms
//   - train/ and validation/: the same numbers and pictures for TensorBoard, which shows
//     the two as runs of their own, so that a loss and its validation share a chart
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
	"strings"
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
	events  map[string]*Events // by folder; begun when there is something to write
	config  Config
}

// The folders of event files in a run folder, named as Keras names them.
const (
	TrainEvents      = "train"
	ValidationEvents = "validation"
)

// Open makes the run folder or goes on in it. What an earlier attempt wrote
// past Step and Epochs is dropped; a mark in the event files makes TensorBoard drop it.
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
	r := &Recorder{metrics: metrics, losses: losses, events: map[string]*Events{}, config: config}
	// What an earlier attempt wrote past Step is made void at once.
	for _, folder := range []string{TrainEvents, ValidationEvents} {
		if _, err := os.Stat(filepath.Join(config.Dir, folder)); err != nil {
			continue
		}
		if _, err := r.eventsIn(folder); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// eventsIn is the event file in a folder of the run's.
func (r *Recorder) eventsIn(folder string) (*Events, error) {
	if events := r.events[folder]; events != nil {
		return events, nil
	}
	dir := filepath.Join(r.config.Dir, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	events, err := NewEvents(dir, r.config.Step, r.config.Now)
	if err != nil {
		return nil, err
	}
	r.events[folder] = events
	return events, nil
}

// Write appends the entry to metrics.jsonl and each of its values to an event file as
// a scalar: "val_loss" as "loss" of the validation.
func (r *Recorder) Write(entry Entry) error {
	if err := r.metrics.write(entry); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(entry.Values)) {
		folder, tag := eventPlace(name)
		if tag == "" {
			continue
		}
		events, err := r.eventsIn(folder)
		if err != nil {
			return err
		}
		if err := events.Scalar(entry.Step, tag, entry.Values[name]); err != nil {
			return err
		}
	}
	return nil
}

// eventPlace says where TensorBoard shows a value: in which folder, and under which tag;
// "" for the figures beside a figure, which would be charts of lines without a course.
func eventPlace(name string) (folder, tag string) {
	tag, validation := strings.CutPrefix(name, "val_")
	folder = TrainEvents
	if validation || strings.HasPrefix(name, "oneshot") {
		folder = ValidationEvents
	}
	for _, beside := range []string{"_stderr", "pairs", "_ways", "_trials"} {
		if folder == ValidationEvents && strings.HasSuffix(tag, beside) {
			return folder, ""
		}
	}
	return folder, tag
}

// Epoch adds an epoch's mean losses to the text files and replaces the plot.
// A validation loss of NaN means that the run has no validation part.
func (r *Recorder) Epoch(loss, validationLoss float64) error {
	return r.losses.add(loss, validationLoss)
}

// Image adds a PNG to the event file under the tag.
func (r *Recorder) Image(step int64, tag string, png []byte) error {
	events, err := r.eventsIn(TrainEvents)
	if err != nil {
		return err
	}
	return events.Image(step, tag, png)
}

// Close brings everything to the disk. The Recorder is of no use afterwards.
func (r *Recorder) Close() error {
	err := r.metrics.close()
	for _, folder := range slices.Sorted(maps.Keys(r.events)) {
		err = errors.Join(err, r.events[folder].Close())
	}
	return err
}
