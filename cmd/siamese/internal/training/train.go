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
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/internal/atomicfile"
	"siamese/internal/regular"
	"siamese/train"
	"siamese/train/checkpoint"
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
func (c *Command) Run(ctx context.Context, parsed *kong.Context, s cli.Streams) (err error) {
	began := time.Now()
	cli.OutliveReaders()
	ctx, stop := cli.HangUp(ctx)
	defer stop()
	dir, err := c.runFolder(given(parsed))
	if err != nil {
		return err
	}
	unlock, err := c.lock(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
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
// configuration takes the place of the flags. given are the flags of the command line.
func (c *Command) runFolder(given []string) (string, error) {
	other := slices.IndexFunc(given, func(flag string) bool {
		return !slices.Contains([]string{"resume", "time-limit", "config", "run", "data"}, flag)
	})
	switch {
	case c.Resume != "" && (c.Folder != "" || c.Data != ""):
		return "", cli.Usage(errors.New("train: --resume goes with neither --run nor --data: the run folder has its configuration"))
	case c.Resume != "" && other >= 0:
		return "", cli.Usage(fmt.Errorf("train: --%s changes nothing about a run that goes on, which keeps to its own configuration: --resume goes with --time-limit alone", given[other]))
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
	if _, err := os.Stat(filepath.Join(dir, configFile)); c.Resume == "" && err == nil {
		held := fmt.Errorf("train: %s holds a run already: go on with --resume %s, or name another folder", dir, dir)
		return nil, errors.Join(held, unlock())
	}
	return unlock, nil
}

// begin writes the configuration of a new run.
func (c *Command) begin(dir string, config []byte) error {
	return atomicfile.Write(filepath.Join(dir, configFile), append(config, '\n'))
}
