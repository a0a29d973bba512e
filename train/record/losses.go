package record

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"siamese/internal/regular"
)

// losses holds the mean losses of all epochs so far. Both slices are of one
// length; a missing validation loss is NaN.
type losses struct {
	dir               string
	train, validation []float64
}

// openLosses reads the first epochs lines of the files that an earlier attempt
// left. Missing files are an empty history.
func openLosses(dir string, epochs int) (*losses, error) {
	train, err := readLosses(filepath.Join(dir, LossFile), epochs)
	if err != nil {
		return nil, err
	}
	validation, err := readLosses(filepath.Join(dir, ValidationLossFile), epochs)
	if err != nil {
		return nil, err
	}
	for len(validation) < len(train) {
		validation = append(validation, math.NaN())
	}
	// A kill between the two writes leaves one file a line ahead.
	return &losses{dir: dir, train: train, validation: validation[:len(train)]}, nil
}

func readLosses(path string, epochs int) ([]float64, error) {
	content, err := regular.Read(path, maxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("losses: %w", err)
	}
	fields := strings.Fields(string(content))
	fields = fields[:min(epochs, len(fields))]
	values := make([]float64, len(fields))
	for i, field := range fields {
		if values[i], err = strconv.ParseFloat(field, 64); err != nil {
			return nil, fmt.Errorf("losses: line %d of %s is %q, expected a number", i+1, filepath.Base(path), field)
		}
	}
	return values, nil
}

// add appends one epoch and replaces the two files and the plot. A run without
// a validation part gets no validation file.
func (l *losses) add(train, validation float64) error {
	if math.IsNaN(train) || math.IsInf(train, 0) {
		return fmt.Errorf("losses: epoch %d has a mean loss of %v, expected a finite number", len(l.train)+1, train)
	}
	if math.IsInf(validation, 0) {
		return fmt.Errorf("losses: epoch %d has a validation loss of %v, expected a finite number or NaN for none",
			len(l.train)+1, validation)
	}
	l.train, l.validation = append(l.train, train), append(l.validation, validation)
	if err := Save(filepath.Join(l.dir, LossFile), numberLines(l.train)); err != nil {
		return err
	}
	if len(lossPoints(l.validation)) > 0 {
		if err := Save(filepath.Join(l.dir, ValidationLossFile), numberLines(l.validation)); err != nil {
			return err
		}
	}
	plot, err := LossPlot(l.train, l.validation)
	if err != nil {
		return err
	}
	return Save(filepath.Join(l.dir, LossPlotFile), plot)
}

// numberLines prints one number a line, in the fewest digits that read back alike.
func numberLines(values []float64) []byte {
	var lines []byte
	for _, value := range values {
		lines = append(strconv.AppendFloat(lines, value, 'g', -1, 64), '\n')
	}
	return lines
}
