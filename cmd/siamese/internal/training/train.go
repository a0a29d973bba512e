// Package training is the commands that make models: `siamese train` and `head`.
package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/internal/atomicfile"
	"siamese/train"
	"siamese/train/checkpoint"
	"siamese/train/record"
)

// Command is `siamese train`.
type Command struct {
	Data   string `help:"Names the images to learn from: a folder or zip of alphabet/character/image or class/image; with --resume, where they lie now." placeholder:"PATH"`
	Folder string `help:"Names the run folder to make. A folder with a run in it is refused." placeholder:"DIR" name:"run"`
	Resume string `help:"Continues the run in this folder, by its own configuration; what of it can be changed is in docs/training.md. Empty: a new run." placeholder:"DIR"`

	trainFlags

	// moreTime is what --time-limit gives to a run that goes on.
	moreTime time.Duration
}

// configFile is the configuration's place in a run folder.
const configFile = "config.json"

// Run trains until the epochs or the time are over or ctx is done; then the state
// is saved. The time limit counts from here, so that the data and the network are
// opened within it.
func (c *Command) Run(ctx context.Context, parsed *kong.Context, s cli.Streams) (err error) {
	began := time.Now()
	cli.OutliveReaders()
	ctx, stop := cli.HangUp(ctx)
	defer stop()
	dir, err := c.runFolder(given(parsed))
	if err != nil {
		return err
	}
	beginsAgain, err := c.chooseKernels()
	if beginsAgain && err == nil {
		err = beginAgain()
	}
	if err != nil {
		return err
	}
	unlock, err := c.lock(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	screen := newScreen(s.Err)
	logger := slog.New(slog.NewTextHandler(screen, nil))
	setup, cleanUp, err := c.setup(ctx, logger)
	if err != nil {
		return err
	}
	setup.Dir, setup.Began, setup.MoreTime = dir, began, c.moreTime
	setup.Progress = screen.report
	setup.Save = weightSaver(dir, c.trainFlags)
	if setup.Describe, err = json.MarshalIndent(c.trainFlags, "", "  "); err != nil {
		return errors.Join(err, cleanUp())
	}
	setup.Begin = func() error {
		printTable(s.Err, c.trainFlags, dir)
		return writeConfig(dir, setup.Describe)
	}
	err = train.Run(ctx, setup)
	screen.Close()
	if err == nil {
		logger.Info("weights", "best", filepath.Join(dir, "best_epoch_weights.h5"), "last", filepath.Join(dir, "last_epoch_weights.h5"))
	}
	return errors.Join(explained(ctx, dir, err), cleanUp())
}

// explained adds to the error of a run what to do about it.
func explained(ctx context.Context, dir string, err error) error {
	stopped, isStopped := errors.AsType[*train.InterruptedError](err)
	again := "siamese train --resume " + quoted(dir)
	switch {
	case isStopped:
		done := fmt.Sprintf("step %d is saved in %s%s; go on with: %s", stopped.Step, filepath.Join(dir, train.CheckpointFile), savedWeights(dir, stopped.Epoch), again)
		if interrupted := cli.Interrupted(ctx, done); interrupted != nil {
			return interrupted
		}
		return fmt.Errorf("%w: %s", err, done)
	case errors.Is(err, train.ErrNoTime):
		return fmt.Errorf("%w; %s --time-limit DURATION gives it more", err, again)
	case errors.Is(err, train.ErrDone):
		return fmt.Errorf("%w; %s --epochs NUMBER gives it more", err, again)
	case errors.Is(err, train.ErrNoCheckpoint):
		return fmt.Errorf("%w; a new run takes another folder (--run), and may begin with weights of this one (--start)", err)
	case errors.Is(err, checkpoint.ErrDamaged):
		return fmt.Errorf("%w; a new run in another folder (--run) can begin with the weights of this one (--start %s)", err, quoted(filepath.Join(dir, "last_epoch_weights.h5")))
	}
	return err
}

// savedWeights says which weights lie beside the checkpoint of a run that was stopped.
func savedWeights(dir string, epochs int) string {
	if epochs == 0 {
		return ""
	}
	return fmt.Sprintf(", the weights after %d epochs in %s", epochs, filepath.Join(dir, "last_epoch_weights.h5"))
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// maxConfigBytes bounds configurations, which have some kilobytes.
const maxConfigBytes = 16 << 20

// runFolder settles which folder the run is in; for a run that goes on its
// configuration takes the place of the flags. given are the flags of the command line.
func (c *Command) runFolder(given []string) (string, error) {
	if c.Resume != "" {
		return c.Resume, c.goOn(given)
	}
	if c.Data == "" || c.Folder == "" {
		return "", cli.Usage(errors.New("train: --data and --run are needed, or --resume"))
	}
	if err := c.conflict(); err != nil {
		return "", cli.Usage(err)
	}
	if err := c.checkStart(); err != nil {
		return "", err
	}
	if err := c.findTeachers(); err != nil {
		return "", err
	}
	if c.Epochs == 0 && c.TimeLimit == 0 {
		c.Epochs = defaultEpochs
	}
	absolute, err := filepath.Abs(c.Data)
	if err != nil {
		return "", err
	}
	c.DataPath = absolute
	return c.Folder, c.settleStrokeData()
}

// given are the names of the flags that the command line itself has, in order.
func given(parsed *kong.Context) []string {
	var names []string
	for _, path := range parsed.Path {
		if path.Flag != nil && !path.Resolved {
			names = append(names, path.Flag.Name)
		}
	}
	return names
}

// lock takes the run's folder, and makes it for a new run.
func (c *Command) lock(dir string) (unlock func() error, err error) {
	if c.Resume == "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	unlock, err = checkpoint.Lock(dir)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if left := leftBehind(dir); c.Resume == "" && left != "" {
		held := fmt.Errorf("train: %s holds a run already (%s): go on with siamese train --resume %s, or name another folder with --run", dir, left, quoted(dir))
		return nil, errors.Join(held, unlock())
	}
	return unlock, nil
}

// leftBehind is a file that an earlier run has left in a folder, whatever else of it is
// gone; empty where none has.
func leftBehind(dir string) string {
	for _, name := range []string{configFile, train.CheckpointFile, record.MetricsFile, record.LossFile, "last_epoch_weights.h5"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return name
		}
	}
	return ""
}

// writeConfig writes the configuration of a run that begins, or that goes on with
// another one.
func writeConfig(dir string, config []byte) error {
	return atomicfile.Write(filepath.Join(dir, configFile), append(slices.Clip(config), '\n'))
}
