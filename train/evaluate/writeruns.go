package evaluate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"siamese/imaging"
)

// WriteRuns writes the runs as Lake's all_runs does, so that ReadRuns and the
// demonstration that comes with Omniglot read them. The folder must not be there
// or be empty; it appears as a whole once all is written, or not at all.
func WriteRuns(dir string, runs []Run) error {
	if err := validateAll(runs); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	if err := validateNames(runs); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".runs-*")
	if err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	// After the rename the name is no longer there, and removing it does nothing.
	defer os.RemoveAll(temporary)
	for _, run := range runs {
		if err := run.write(temporary); err != nil {
			return fmt.Errorf("write runs: %w", err)
		}
	}
	// Temporary folders are born private.
	if err := os.Chmod(temporary, 0o755); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	if err := os.Rename(temporary, dir); err != nil {
		return fmt.Errorf("write runs: %w, expected a folder that is empty or not there", err)
	}
	return nil
}

// validateNames refuses what two runs would write to one place, or to another
// place than the folder, and what the labels file could not name.
func validateNames(runs []Run) error {
	seen := map[string]bool{}
	for _, run := range runs {
		if run.Name == "" || hidden(run.Name) || strings.ContainsAny(run.Name, "/\\ \t\n") {
			return fmt.Errorf("a run is named %q, expected a plain word", run.Name)
		}
		if seen[run.Name] {
			return fmt.Errorf("two runs are named %q, expected each name once", run.Name)
		}
		seen[run.Name] = true
	}
	return nil
}

// write writes the run's folder below root.
func (r Run) write(root string) error {
	folder := filepath.Join(root, r.Name)
	err := errors.Join(
		writePictures(filepath.Join(folder, "training"), "class", r.Training),
		writePictures(filepath.Join(folder, "test"), "item", r.Test))
	if err != nil {
		return err
	}
	var labels strings.Builder
	for i, answer := range r.Answer {
		fmt.Fprintf(&labels, "%s/test/%s %s/training/%s\n",
			r.Name, pictureName("item", i, len(r.Test)), r.Name, pictureName("class", answer, len(r.Training)))
	}
	return os.WriteFile(filepath.Join(folder, labelsFile), []byte(labels.String()), 0o644)
}

func writePictures(folder, kind string, pictures []*imaging.Picture) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i, picture := range pictures {
		encoded, err := picture.PNG()
		if err != nil {
			return err
		}
		path := filepath.Join(folder, pictureName(kind, i, len(pictures)))
		if err := os.WriteFile(path, encoded, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pictureName counts from 1, in as many digits as keep the names of count
// pictures in order, two at the least.
func pictureName(kind string, i, count int) string {
	return fmt.Sprintf("%s%0*d.png", kind, digits(count), i+1)
}

// digits is the width that count takes, two at the least.
func digits(count int) int {
	return max(2, len(fmt.Sprint(count)))
}
