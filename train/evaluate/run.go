package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"siamese/imaging"
	"siamese/train/dataset"
)

// Run is one one-shot test: for each test picture, which of the training
// pictures is of its class? Nothing in this package changes the pictures, and
// runs may share them.
type Run struct {
	Name     string             // such as "run01", also the name of its folder
	Training []*imaging.Picture // one a class, two classes or more
	Test     []*imaging.Picture // one a trial, one trial or more
	Answer   []int              // one a test picture: the index of its class in Training
	Drawn    *Drawn             // what a run of MakeRuns shows; nil of one that was read
}

// Drawn names what of a dataset the pictures of a run are.
type Drawn struct {
	Alphabet       string   // of all classes; empty where they have none
	Classes        []string // one a training picture
	Training, Test []string // the images, one a picture
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

// The values that hold where a field of MakeRunsConfig is zero.
const (
	DefaultWays   = 20
	DefaultTrials = 1000
)

// runStream sets the draws of runs apart from other draws of the same seed.
const runStream = 0x72756e73

// MakeRunsConfig says which runs to make.
type MakeRunsConfig struct {
	Ways   int    // classes to choose from, 2 or more; 0 = DefaultWays
	Trials int    // the least number of test pictures over all runs; 0 = DefaultTrials; no more than there are ordered pairs of a class
	Seed   uint64 // the same seed and dataset give the same runs
}

// Validate reports the first field that is out of range.
func (c MakeRunsConfig) Validate() error {
	if c.Ways < 0 || c.Ways == 1 {
		return fmt.Errorf("make runs: Ways is %d, expected 0 (the default) or 2 and more", c.Ways)
	}
	if c.Trials < 0 {
		return fmt.Errorf("make runs: Trials is %d, expected 0 (the default) or more", c.Trials)
	}
	return nil
}

// MakeRuns draws runs as Lake's are made: all classes of a run are of one
// alphabet, its training pictures are by one drawer and its test pictures by
// another, each class with one of both. The alphabets take turns. Without
// alphabets all classes count as one.
//
// The drawer is the number after the "_" of Omniglot's names (0394_01.png).
// Where the classes of a run have no two drawers in common, any two different
// images of a class serve. An alphabet with fewer classes than Ways gives runs of
// those that it has, and Run.Ways says how many; classes of one image are left out, and
// so are alphabets in which fewer than two classes remain. ErrNoRuns means that
// no alphabet remains.
func MakeRuns(d *dataset.Dataset, config MakeRunsConfig) ([]Run, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.Ways, config.Trials = cmp.Or(config.Ways, DefaultWays), cmp.Or(config.Trials, DefaultTrials)
	groups := alphabets(d)
	if len(groups) == 0 {
		return nil, fmt.Errorf("make runs: %w: received no alphabet with two classes of two images", ErrNoRuns)
	}
	exist := 0
	for _, class := range slices.Concat(groups...) {
		exist += len(class.Images) * (len(class.Images) - 1)
	}
	config.Trials = min(config.Trials, exist)
	maker := runMaker{
		dataset: d, ways: config.Ways,
		random:   rand.New(rand.NewPCG(config.Seed, runStream)),
		pictures: map[dataset.Image]*imaging.Picture{},
	}
	var runs []Run
	for trials := 0; trials < config.Trials; {
		next := len(runs) % len(groups)
		if next == 0 {
			maker.random.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
		}
		run, err := maker.run(groups[next])
		if err != nil {
			return nil, fmt.Errorf("make runs: %w", err)
		}
		runs = append(runs, run)
		trials += len(run.Test)
	}
	for i := range runs {
		runs[i].Name = fmt.Sprintf("run%0*d", digits(len(runs)), i+1)
	}
	return runs, nil
}

// alphabets groups the classes of two images or more, and returns the groups of
// two classes or more, in the order of their names.
func alphabets(d *dataset.Dataset) [][]dataset.Class {
	byName := map[string][]dataset.Class{}
	for _, class := range d.Classes() {
		if len(class.Images) >= 2 {
			byName[class.Alphabet] = append(byName[class.Alphabet], class)
		}
	}
	var groups [][]dataset.Class
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if len(byName[name]) >= 2 {
			groups = append(groups, byName[name])
		}
	}
	return groups
}

// runMaker draws runs; what a run shares with an earlier one is decoded once.
type runMaker struct {
	dataset  *dataset.Dataset
	ways     int
	random   *rand.Rand
	pictures map[dataset.Image]*imaging.Picture
}

// run draws one run among the classes of one alphabet, yet without a name.
func (m *runMaker) run(alphabet []dataset.Class) (Run, error) {
	classes := make([]dataset.Class, 0, m.ways)
	for _, i := range m.random.Perm(len(alphabet)) {
		if len(classes) < m.ways {
			classes = append(classes, alphabet[i])
		}
	}
	images := m.draw(classes)
	run := Run{Answer: m.random.Perm(len(classes)), Drawn: &Drawn{Alphabet: classes[0].Alphabet}}
	for i := range classes {
		run.Drawn.Classes = append(run.Drawn.Classes, classes[i].Name)
		run.Drawn.Training = append(run.Drawn.Training, images[i].training.Name)
		run.Drawn.Test = append(run.Drawn.Test, images[run.Answer[i]].test.Name)
		training, err := m.picture(images[i].training)
		if err != nil {
			return Run{}, err
		}
		test, err := m.picture(images[run.Answer[i]].test)
		if err != nil {
			return Run{}, err
		}
		run.Training, run.Test = append(run.Training, training), append(run.Test, test)
	}
	return run, nil
}

// drawings are the two images of a class that a run takes.
type drawings struct{ training, test dataset.Image }

// draw chooses the two drawers, and so the images of each class.
func (m *runMaker) draw(classes []dataset.Class) []drawings {
	byDrawer := make([]map[string]dataset.Image, len(classes))
	for i, class := range classes {
		byDrawer[i] = drawers(class)
	}
	var common []string
	for _, name := range slices.Sorted(maps.Keys(byDrawer[0])) {
		if !slices.ContainsFunc(byDrawer, func(c map[string]dataset.Image) bool { _, has := c[name]; return !has }) {
			common = append(common, name)
		}
	}
	drawn := make([]drawings, len(classes))
	if len(common) < 2 {
		for i, class := range classes {
			order := m.random.Perm(len(class.Images))
			drawn[i] = drawings{class.Images[order[0]], class.Images[order[1]]}
		}
		return drawn
	}
	order := m.random.Perm(len(common))
	for i := range classes {
		drawn[i] = drawings{byDrawer[i][common[order[0]]], byDrawer[i][common[order[1]]]}
	}
	return drawn
}

// drawers returns a class's images by drawer, where their names say who drew them.
func drawers(class dataset.Class) map[string]dataset.Image {
	images := map[string]dataset.Image{}
	for _, image := range class.Images {
		base := path.Base(image.Name)
		character, drawer, found := strings.Cut(strings.TrimSuffix(base, path.Ext(base)), "_")
		if found && number(character) && number(drawer) {
			images[drawer] = image
		}
	}
	return images
}

// number reports whether the text is of digits alone.
func number(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func (m *runMaker) picture(image dataset.Image) (*imaging.Picture, error) {
	if picture := m.pictures[image]; picture != nil {
		return picture, nil
	}
	picture, err := m.dataset.Picture(image)
	if err != nil {
		return nil, err
	}
	m.pictures[image] = picture
	return picture, nil
}
