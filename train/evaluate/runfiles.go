package evaluate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"siamese/imaging"
	"siamese/internal/atomicfile"
	"siamese/train/archive"
)

// labelsFile holds a run's answers: "run01/test/item01.png run01/training/class08.png"
// a line, with paths from the folder that holds the runs.
const labelsFile = "class_labels.txt"

// maxLabelBytes bounds a labels file; Lake's take 1.1 kB for 20 trials.
const maxLabelBytes = 1 << 20

// ReadRuns reads runs in the layout of Lake's all_runs.zip, from the archive or
// from a folder: every folder with a class_labels.txt is a run. Other folders may
// lie around them. All pictures beside those that are named as classes are
// choices too. The runs come sorted by path; pictures are prepared for the network.
//
// ErrNoRuns is returned where there is no run. A picture that cannot be read and
// a label that leads nowhere are errors that name the file.
func ReadRuns(path string, preparer *imaging.Preparer) ([]Run, error) {
	opened, err := archive.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read runs: %q: %w", path, err)
	}
	// A tree that was only read loses nothing when closing it fails.
	defer func() { _ = opened.Close() }()
	tree := opened.FS
	folders, err := findRuns(tree)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("read runs: %w: found no %s in %q", ErrNoRuns, labelsFile, path)
	}
	runs := make([]Run, len(folders))
	for i, folder := range folders {
		reader := runReader{tree: tree, preparer: preparer}
		if runs[i], err = reader.read(folder); err != nil {
			return nil, fmt.Errorf("read runs: %q: %w", folder, err)
		}
	}
	return runs, nil
}

// findRuns lists the folders of the tree that hold a labels file.
func findRuns(tree fs.FS) ([]string, error) {
	var folders []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && archive.Hidden(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.IsDir() && entry.Name() == labelsFile {
			folders = append(folders, path.Dir(name))
		}
		return nil
	})
	return folders, err
}

// runReader reads one run.
type runReader struct {
	tree     fs.FS
	preparer *imaging.Preparer
	run      Run
	classes  map[string]int // index in run.Training by path
}

func (r *runReader) read(folder string) (Run, error) {
	labels, err := r.content(path.Join(folder, labelsFile), maxLabelBytes)
	if err != nil {
		return Run{}, err
	}
	r.run.Name, r.classes = path.Base(folder), map[string]int{}
	for i, line := range strings.Split(string(labels), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return Run{}, fmt.Errorf("line %d of %s has %d words, expected a test picture and its class", i+1, labelsFile, len(fields))
		}
		if err := r.trial(path.Join(path.Dir(folder), fields[0]), path.Join(path.Dir(folder), fields[1])); err != nil {
			return Run{}, fmt.Errorf("line %d of %s: %w", i+1, labelsFile, err)
		}
	}
	return r.run, r.run.Validate()
}

// trial adds a test picture, and the choices that it brings if they are new.
func (r *runReader) trial(test, class string) error {
	if _, known := r.classes[class]; !known {
		if err := r.choices(path.Dir(class)); err != nil {
			return err
		}
	}
	answer, known := r.classes[class]
	if !known {
		return fmt.Errorf("class %q is not there, expected a picture", class)
	}
	picture, err := r.picture(test)
	if err != nil {
		return err
	}
	r.run.Test, r.run.Answer = append(r.run.Test, picture), append(r.run.Answer, answer)
	return nil
}

// choices adds all pictures of a folder that are no choices yet.
func (r *runReader) choices(folder string) error {
	if !fs.ValidPath(folder) {
		return fmt.Errorf("folder %q lies outside, expected one below that of the runs", folder)
	}
	entries, err := fs.ReadDir(r.tree, folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		if _, known := r.classes[name]; known || entry.IsDir() || archive.Hidden(entry.Name()) {
			continue
		}
		picture, err := r.picture(name)
		if err != nil {
			return err
		}
		r.classes[name] = len(r.run.Training)
		r.run.Training = append(r.run.Training, picture)
	}
	return nil
}

func (r *runReader) picture(name string) (*imaging.Picture, error) {
	encoded, err := r.content(name, r.preparer.Config().Limits.MaxBytes)
	if err != nil {
		return nil, err
	}
	picture, err := r.preparer.Prepare(encoded)
	if err != nil {
		return nil, fmt.Errorf("picture %q: %w", name, err)
	}
	return picture, nil
}

// content reads a file of at most limit bytes.
func (r *runReader) content(name string, limit int) ([]byte, error) {
	file, err := r.tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	if len(content) > limit {
		return nil, fmt.Errorf("%q has more than %d bytes, expected at most that", name, limit)
	}
	return content, nil
}

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
	err := atomicfile.NewFolder(dir, func(temporary string) error {
		for _, run := range runs {
			if err := run.write(temporary); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	return nil
}

// validateNames refuses what two runs would write to one place, or to another
// place than the folder, and what the labels file could not name.
func validateNames(runs []Run) error {
	seen := map[string]bool{}
	for _, run := range runs {
		if run.Name == "" || archive.Hidden(run.Name) || strings.ContainsAny(run.Name, "/\\ \t\n") {
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

// pictureName counts from 1, in two digits, or as many as keep the names of count
// pictures in order.
func pictureName(kind string, i, count int) string {
	return fmt.Sprintf("%s%0*d.png", kind, digits(count), i+1)
}

// digits is the width that count takes, at least 2.
func digits(count int) int {
	return max(2, len(fmt.Sprint(count)))
}
