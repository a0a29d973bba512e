package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	"siamese/internal/atomicfile"
	"siamese/internal/regular"
)

// Entry is one line of metrics.jsonl: {"step":…,"epoch":…,"time":…, and the
// values by name, in the order of the names}. The time is RFC 3339 in UTC.
type Entry struct {
	Step   int64              // steps done, from 1
	Epoch  int                // the epoch under way, from 1
	Values map[string]float64 // by name, such as "loss"; NaN and infinities become null
}

// stamp is the part of a line that every entry has.
type stamp struct {
	Step  int64     `json:"step"`
	Epoch int       `json:"epoch"`
	Time  time.Time `json:"time"`
}

// line encodes the entry without a line end.
func (e Entry) line(now time.Time) ([]byte, error) {
	head, err := json.Marshal(stamp{e.Step, e.Epoch, now.UTC()})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if len(e.Values) == 0 {
		return head, nil
	}
	values := make(map[string]any, len(e.Values))
	for name, value := range e.Values {
		switch name {
		case "", "step", "epoch", "time":
			return nil, fmt.Errorf("metrics: a value is named %q, expected a name that is not empty, step, epoch or time", name)
		}
		values[name] = nil
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			values[name] = value
		}
	}
	tail, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return append(append(head[:len(head)-1], ','), tail[1:]...), nil
}

// metrics appends to metrics.jsonl, a whole line a write.
type metrics struct {
	file *os.File
	now  func() time.Time
}

// openMetrics opens the file for appending, after the lines of steps later than
// done, and any line that was cut off, are gone from it.
func openMetrics(path string, done int64, now func() time.Time) (*metrics, error) {
	if err := dropLater(path, done); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &metrics{file: file, now: now}, nil
}

// maxRecordBytes bounds a run's text files: some ten million steps.
const maxRecordBytes = 4 << 30

// dropLater rewrites the file without what is later than step done, and leaves
// it alone where there is nothing of the kind.
func dropLater(path string, done int64) error {
	old, err := regular.Read(path, maxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(old) {
		var s stamp
		// Only the last line can lack its end, and only because its write was cut off.
		if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &s) == nil && s.Step <= done {
			kept = append(kept, line...)
		}
	}
	if len(kept) == len(old) {
		return nil
	}
	return atomicfile.Write(path, kept)
}

func (m *metrics) write(entry Entry) error {
	line, err := entry.line(m.now())
	if err != nil {
		return err
	}
	if _, err := m.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func (m *metrics) close() error {
	if err := errors.Join(m.file.Sync(), m.file.Close()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
