package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"siamese/cmd/internal/network"
	"siamese/tfmodel"
	"siamese/train"
)

// teacherFlags are about trained networks that a run learns from.
type teacherFlags struct {
	Teacher            []string `help:"Names a trained model of the same input size to learn from beside the classes, as --start does; may be repeated: the mean over all counts. Empty: none." placeholder:"FILE" sep:"none" json:"teacher,omitempty"`
	TeacherDigests     []string `kong:"-" json:"teacher_digests,omitempty"` // of their weights
	TeacherWeight      float64  `help:"Sets the share that the teachers' similarity has in what the head is to say of a pair, 0 to 1; the classes have the rest." default:"0.5" json:"teacher_weight,omitempty"`
	TeacherTemperature float64  `help:"Divides the logits of the teachers' heads: above 1 their similarities come nearer to 0.5." default:"1" json:"teacher_temperature,omitempty"`
	RelationWeight     float64  `help:"Sets the weight of a term in the loss by which the embeddings' cosines, at --temperature, come to be as the teachers'. 0: none." default:"0" json:"relation_weight,omitempty"`
}

// teacherConflict reports what teachers can't do, or would do for nothing.
func (f trainFlags) teacherConflict() error {
	if len(f.Teacher) == 0 {
		return nil
	}
	if f.TeacherWeight > 1 || f.TeacherTemperature == 0 {
		return fmt.Errorf("train: --teacher-weight is %v and --teacher-temperature %v, expected 0 to 1 and above 0", f.TeacherWeight, f.TeacherTemperature)
	}
	if (f.TeacherWeight == 0 || f.PairWeight == 0) && f.RelationWeight == 0 {
		return fmt.Errorf("train: --teacher changes nothing with --teacher-weight %v, --pair-weight %v and --relation-weight 0: leave it out or raise one", f.TeacherWeight, f.PairWeight)
	}
	if len(f.Devices) > 1 || len(f.Cluster) > 0 {
		return errors.New("train: --teacher teaches on one device of this process: --devices and --cluster go without it")
	}
	return nil
}

// idleTeacher are the rules about flags of teachers.
func (f trainFlags) idleTeacher() []idleRule {
	return []idleRule{
		{len(f.Teacher) == 0, "no --teacher", "is about --teacher", []string{"TeacherWeight", "TeacherTemperature", "RelationWeight"}},
		{f.TeacherWeight == 0, "--teacher-weight 0", "is about the teachers' similarities", []string{"TeacherTemperature"}},
		{f.PairWeight == 0, "--pair-weight 0", "is about the pairs' cross-entropy", []string{"TeacherTemperature"}},
	}
}

// findTeachers makes the paths absolute, so that a run that goes on finds them from
// anywhere, and reports one that is not there.
func (f *teacherFlags) findTeachers() error {
	teachers := slices.Clone(f.Teacher)
	for i, teacher := range teachers {
		if _, isBuiltIn := builtInStart(teacher); isBuiltIn {
			continue
		}
		if _, err := os.Stat(teacher); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("train: --teacher %s: there is no such file or folder; expected a model, or builtin:omniglot, the one built in for handwriting", teacher)
		} else if err != nil {
			return err
		}
		absolute, err := filepath.Abs(teacher)
		if err != nil {
			return err
		}
		teachers[i] = absolute
	}
	f.Teacher = teachers
	return nil
}

// teachers opens the models to learn from; nil where there are none. A run that goes on
// takes the same ones alone, wherever they lie.
func (c *Command) teachers(ctx context.Context, logger *slog.Logger) (*tfmodel.Teachers, error) {
	if len(c.Teacher) == 0 {
		return nil, nil //nolint:nilnil // nobody teaches
	}
	var sources []tfmodel.Source
	var digests []string
	for _, name := range c.Teacher {
		path, _ := builtInStart(name)
		source, err := c.ReadSource(ctx, path)
		if err != nil {
			return nil, err
		}
		source.Card.Name = cmp.Or(source.Card.Name, name)
		sources, digests = append(sources, source), append(digests, source.Weights.Digest())
	}
	if c.Resume != "" && !slices.Equal(digests, c.TeacherDigests) {
		return nil, fmt.Errorf("train: --teacher %q hold other weights than the run was begun with: --resume goes on with the same alone, in the same order", c.Teacher)
	}
	c.TeacherDigests = digests
	config := tfmodel.TeacherConfig{Temperature: c.TeacherTemperature}
	if c.RelationWeight > 0 {
		config.RelationTemperature = c.Temperature
	}
	teachers, err := tfmodel.NewTeachers(c.architecture(), sources, config, c.options())
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	logger.Info("teachers", "count", len(sources), "names", c.Teacher, "weight", c.TeacherWeight, "relation_weight", c.RelationWeight)
	return teachers, nil
}

// learnFrom adds teachers to a run; none change nothing.
func (c *Command) learnFrom(setup *train.Setup, teachers *tfmodel.Teachers) {
	if teachers == nil {
		return
	}
	setup.Teacher, setup.Related = network.Teachers{Teachers: teachers}, c.RelationWeight > 0
	if c.PairWeight > 0 {
		setup.TeacherWeight = c.TeacherWeight
	}
}
