// Package training is the commands that make models and measure them: `siamese
// train`, `head`, `calibrate` and `eval`.
package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/internal/atomicfile"
	"siamese/internal/regular"
	"siamese/train"
)

// Command is `siamese train`.
type Command struct {
	Data   string `help:"Names the images to learn from: a folder or zip of alphabet/character/image or class/image." placeholder:"PATH"`
	Folder string `help:"Names the run folder to make. A folder with a run in it is refused." placeholder:"DIR" name:"run"`
	Resume string `help:"Continues the run in this folder, by its own configuration. Empty: a new run." placeholder:"DIR"`

	trainFlags

	// moreTime is what --time-limit gives to a run that goes on.
	moreTime time.Duration
}

// configFile is the configuration's place in a run folder.
const configFile = "config.json"

// Run trains until the epochs or the time are over or ctx is done; then the state
// is saved. The time limit counts from here, so that the data and the network are
// opened within it.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	began := time.Now()
	dir, err := c.runFolder()
	if err != nil {
		return err
	}
	if c.Deterministic {
		// TensorFlow reads it when its first operation runs.
		if err := os.Setenv("TF_DETERMINISTIC_OPS", "1"); err != nil {
			return err
		}
	}
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
	if c.Resume == "" {
		if err := c.begin(dir, setup.Describe); err != nil {
			return errors.Join(err, cleanUp())
		}
	}
	printTable(s.Err, c.trainFlags, dir)
	err = train.Run(ctx, setup)
	screen.close()
	if errors.Is(err, train.ErrNoTime) {
		err = fmt.Errorf("%w; --resume %s --time-limit DURATION gives it more", err, dir)
	}
	return errors.Join(err, cleanUp())
}

// maxTextBytes bounds cards and configurations, which have some kilobytes.
const maxTextBytes = 16 << 20

// runFolder settles which folder the run is in; for a run that goes on its
// configuration takes the place of the flags.
func (c *Command) runFolder() (string, error) {
	switch {
	case c.Resume != "" && (c.Folder != "" || c.Data != ""):
		return "", cli.Usage(errors.New("train: --resume goes with neither --run nor --data: the run folder has its configuration"))
	case c.Resume != "":
		saved, err := regular.Read(filepath.Join(c.Resume, configFile), maxTextBytes)
		if err != nil {
			return "", fmt.Errorf("train: no run to resume: %w", err)
		}
		c.moreTime = time.Duration(c.TimeLimit)
		c.TimeLimit = 0
		if err := json.Unmarshal(saved, &c.trainFlags); err != nil {
			return "", fmt.Errorf("train: %s: %w", configFile, err)
		}
		return c.Resume, nil
	case c.Data == "" || c.Folder == "":
		return "", cli.Usage(errors.New("train: --data and --run are needed, or --resume"))
	}
	if err := c.conflict(); err != nil {
		return "", cli.Usage(err)
	}
	if c.Epochs == 0 && c.TimeLimit == 0 {
		c.Epochs = defaultEpochs
	}
	absolute, err := filepath.Abs(c.Data)
	if err != nil {
		return "", err
	}
	c.DataPath = absolute
	return c.Folder, nil
}

// begin makes the run folder and writes its configuration.
func (c *Command) begin(dir string, config []byte) error {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return fmt.Errorf("train: %s holds a run already: go on with --resume %s, or name another folder", dir, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, configFile), append(config, '\n'))
}
