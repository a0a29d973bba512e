package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/internal/regular"
)

// changeable are the fields that a run which goes on takes from the command line: how
// long it trains, where and how it is watched, and where strokes and teachers lie. Nothing
// else can change without another run coming of it.
var changeable = []string{
	"Epochs", "Patience", "SavePeriod", "SaveEvery", "LogSteps", "DataMemory", "Workers", "Device", "Name", "StrokeData", "Teacher",
}

// goOn puts a run's configuration in the place of the flags, with what of it may change.
// A flag that would change anything else is refused, wherever it was given.
func (c *Command) goOn(given []string) error {
	if c.Folder != "" {
		return cli.Usage(errors.New("train: --resume names the run folder, and goes without --run"))
	}
	saved, err := savedFlags(c.Resume)
	if err != nil {
		return err
	}
	c.moreTime = time.Duration(c.TimeLimit)
	if err := c.change(&saved, given); err != nil {
		return cli.Usage(err)
	}
	if c.Data != "" {
		if saved.DataPath, err = filepath.Abs(c.Data); err != nil {
			return err
		}
	}
	if err := saved.strokesFlags.conflict(saved.Combine, saved.ClassWeight); err != nil {
		return cli.Usage(err)
	}
	if err := saved.settleStrokeData(); err != nil {
		return err
	}
	c.trainFlags = saved
	if err := c.findTeachers(); err != nil {
		return fmt.Errorf("%w; with --resume it names where the same teachers lie now", err)
	}
	return cli.NotNegative(c.trainFlags)
}

// savedFlags reads the configuration of a run.
func savedFlags(dir string) (trainFlags, error) {
	content, err := regular.Read(filepath.Join(dir, configFile), maxConfigBytes)
	if err != nil {
		return trainFlags{}, fmt.Errorf("train: no run to resume: %w", err)
	}
	saved, err := defaultFlags()
	if err != nil {
		return trainFlags{}, err
	}
	if err := json.Unmarshal(content, &saved); err != nil {
		return trainFlags{}, fmt.Errorf("train: %s: %w", filepath.Join(dir, configFile), err)
	}
	if saved.DataPath == "" {
		return trainFlags{}, fmt.Errorf("train: %s is no run's configuration: it names no data", filepath.Join(dir, configFile))
	}
	return saved, nil
}

// defaultFlags are those of a command line without any.
func defaultFlags() (trainFlags, error) {
	var flags struct{ trainFlags }
	parser, err := kong.New(&flags)
	if err != nil {
		return trainFlags{}, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return trainFlags{}, err
	}
	return flags.trainFlags, nil
}

// change takes over what of the flags may change.
func (c *Command) change(saved *trainFlags, given []string) error {
	defaults, err := defaultFlags()
	if err != nil {
		return err
	}
	asked, before, plain := reflect.ValueOf(c.trainFlags), reflect.ValueOf(saved).Elem(), reflect.ValueOf(defaults)
	for _, field := range reflect.VisibleFields(asked.Type()) {
		if field.Anonymous || field.Tag.Get("kong") == "-" {
			continue
		}
		now, was := asked.FieldByIndex(field.Index), before.FieldByIndex(field.Index)
		isGiven := slices.Contains(given, cli.FlagName(field)) || !alike(now, plain.FieldByIndex(field.Index))
		if field.Name == "TimeLimit" || !isGiven || alike(now, was) {
			continue
		}
		if !slices.Contains(changeable, field.Name) {
			return fmt.Errorf("train: --%s can't change in a run that goes on: received %v, the run was begun with %v; --resume takes --data, --time-limit and %s",
				cli.FlagName(field), now, was, strings.Join(changeableFlags(), ", "))
		}
		was.Set(now)
	}
	return nil
}

// alike reports whether two values of a flag say the same; none and an empty one do.
func alike(a, b reflect.Value) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// changeableFlags are the flags of the changeable fields.
func changeableFlags() []string {
	var flags []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[trainFlags]()) {
		if slices.Contains(changeable, field.Name) {
			flags = append(flags, "--"+cli.FlagName(field))
		}
	}
	return flags
}
