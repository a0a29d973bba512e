package evaluate

import (
	"errors"
	"fmt"

	"siamese/imaging"
)

// Run is one one-shot test: for each test picture, which of the training
// pictures is of its class? Nothing in this package changes the pictures, and
// runs may share them.
type Run struct {
	Name     string             // such as "run01", also the name of its folder
	Training []*imaging.Picture // one a class, two classes or more
	Test     []*imaging.Picture // one a trial, one trial or more
	Answer   []int              // one a test picture: the index of its class in Training
}

// Ways is the number of classes to choose from.
func (r Run) Ways() int {
	return len(r.Training)
}

// Validate reports the first thing that makes the run no test.
func (r Run) Validate() error {
	if len(r.Training) < 2 {
		return fmt.Errorf("run %q: %d training pictures, expected at least 2", r.Name, len(r.Training))
	}
	if len(r.Test) == 0 || len(r.Test) != len(r.Answer) {
		return fmt.Errorf("run %q: %d test pictures and %d answers, expected equally many and at least one",
			r.Name, len(r.Test), len(r.Answer))
	}
	for i, answer := range r.Answer {
		if answer < 0 || answer >= len(r.Training) {
			return fmt.Errorf("run %q: answer %d is %d, expected 0 to %d", r.Name, i, answer, len(r.Training)-1)
		}
	}
	for _, picture := range r.pictures() {
		if picture == nil {
			return fmt.Errorf("run %q: a picture is nil, expected none to be", r.Name)
		}
	}
	return nil
}

// pictures lists the training pictures, then the test pictures.
func (r Run) pictures() []*imaging.Picture {
	return append(append([]*imaging.Picture(nil), r.Training...), r.Test...)
}

// validateAll checks every run, and that all pictures are of one size.
func validateAll(runs []Run) error {
	if len(runs) == 0 {
		return ErrNoRuns
	}
	for _, run := range runs {
		if err := run.Validate(); err != nil {
			return err
		}
	}
	first := runs[0].Training[0]
	if first.Width <= 0 || first.Height <= 0 {
		return errors.New("the first picture is empty, expected pixels")
	}
	for _, run := range runs {
		for _, p := range run.pictures() {
			if p.Width != first.Width || p.Height != first.Height || len(p.Pix) != first.Width*first.Height*3 {
				return fmt.Errorf("run %q: a picture is of %dx%d in %d bytes, expected %dx%d in %d as the first of all",
					run.Name, p.Width, p.Height, len(p.Pix), first.Width, first.Height, first.Width*first.Height*3)
			}
		}
	}
	return nil
}
