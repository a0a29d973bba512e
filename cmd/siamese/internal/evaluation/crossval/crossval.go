// Package crossval opens what a cross-validation measures: the network of each fold, and the
// part of the data that it has not seen.
package crossval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/cmd/siamese/internal/training"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/folds"
)

// foldPattern stands for a fold's number in the names of models.
const foldPattern = "{fold}"

// Model is what answers for a fold.
type Model struct {
	Fold  int      // from 1
	Files []string // several answer as one
}

// All returns the numbers of count folds, 1 to count.
func All(count int) []int {
	all := make([]int, count)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// Models returns what answers for each of the given folds, of names as given on the command
// line: one a fold, in the folds' order, or one for all with {fold} in it. In a name "+" parts
// the files, unless a file is called so. Errors are of files that are not there, and, as
// [cli.Usage], of another number of names than folds.
func Models(given []string, folds []int) ([]Model, error) {
	if len(given) == 1 && strings.Contains(given[0], foldPattern) {
		given = slices.Repeat(given, len(folds))
	}
	if len(given) != len(folds) {
		return nil, cli.Usage(fmt.Errorf("received %d models for %d folds, expected one a fold, in order, or one name with %s in it", len(given), len(folds), foldPattern))
	}
	models := make([]Model, len(folds))
	for i, name := range given {
		name = strings.ReplaceAll(name, foldPattern, strconv.Itoa(folds[i]))
		models[i] = Model{folds[i], []string{name}}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			models[i].Files = strings.Split(name, "+")
		}
		for _, file := range models[i].Files {
			if _, known := builtin.Find(file); known && file != "" {
				continue
			}
			if _, err := os.Stat(file); err != nil {
				return nil, fmt.Errorf("model of fold %d: %w", folds[i], err)
			}
		}
	}
	return models, nil
}

// Runner opens the network of each fold, and the part of the data that it has not seen. It is
// not safe for concurrent use; who makes one closes it.
type Runner struct {
	Data   datasets.Config  // its side is that of each network in turn, and so is its fold
	Flags  network.RunFlags // where networks run
	Logger *slog.Logger     // told what was found and how far it is; must not be nil

	opened map[int]openedData // by side
}

// openedData is the data at one size of input.
type openedData struct {
	*dataset.Dataset
	digest string
}

// Close closes the data that the runner has opened.
func (r *Runner) Close() error {
	var err error
	for _, data := range r.opened {
		err = errors.Join(err, data.Close())
	}
	return err
}

// At returns all of the data at one size of input, in pixels. It is valid until the runner is
// closed.
func (r *Runner) At(ctx context.Context, side int) (*dataset.Dataset, error) {
	data, err := r.at(ctx, side)
	return data.Dataset, err
}

// at is the data at one size of input; the runner closes it.
func (r *Runner) at(ctx context.Context, side int) (openedData, error) {
	if data, open := r.opened[side]; open {
		return data, nil
	}
	config := r.Data
	config.Side = side
	config.Fold = cmp.Or(config.Fold, 1) // of which parts are taken later
	data, report, err := config.OpenReport(ctx, r.Logger)
	if err != nil {
		return openedData{}, err
	}
	if r.opened == nil {
		r.opened = map[int]openedData{}
	}
	r.opened[side] = openedData{data, report.Digest}
	return r.opened[side], nil
}

// Each lends use the network of each model in turn, with its fold, which it has not seen.
// Whatever is encoded twice by one network is encoded once. A network that has learnt from its
// fold, by its card, is refused; one whose card does not tell is warned of. It stops at the
// first error, which names the fold.
func (r *Runner) Each(ctx context.Context, models []Model, use func(folds.Network, *dataset.Dataset) error) error {
	for _, model := range models {
		if err := r.one(ctx, model.Fold, model.Files, use); err != nil {
			return fmt.Errorf("fold %d: %w", model.Fold, err)
		}
	}
	return nil
}

func (r *Runner) one(ctx context.Context, fold int, files []string, use func(folds.Network, *dataset.Dataset) error) (err error) {
	var members []evaluate.Model
	threshold := 0.0
	var architecture tfmodel.Architecture
	var held *dataset.Dataset
	for i, file := range files {
		model, err := r.Flags.OpenPath(ctx, file, r.Logger)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, model.Close()) }()
		card := model.Card()
		if i == 0 {
			architecture = card.Architecture
		}
		if got := card.Architecture; got.Height != architecture.Height || got.Width != architecture.Width {
			return fmt.Errorf("%s takes %d×%d, expected %d×%d as %s, with which it is to answer", file, got.Height, got.Width, architecture.Height, architecture.Width, files[0])
		}
		if held, err = r.heldFrom(ctx, fold, file, card); err != nil {
			return err
		}
		members = append(members, model)
		threshold += cmp.Or(card.Threshold, evaluate.DefaultThreshold) / float64(len(files))
	}
	together, err := folds.NewEnsemble(architecture.ImageBytes(), members...)
	if err != nil {
		return err
	}
	name := strings.Join(files, "+")
	told := newPace(r.Logger.With("fold", fold, "network", name), datasets.CountImages(held))
	once := folds.NewOnce(together, architecture.ImageBytes(), told.add)
	if err := use(folds.Network{Name: name, Fold: fold, Model: once, Threshold: threshold}, held); err != nil {
		return err
	}
	told.end()
	return nil
}

// heldFrom is the part of a fold, which the network must not have learnt from.
func (r *Runner) heldFrom(ctx context.Context, fold int, file string, card tfmodel.Card) (*dataset.Dataset, error) {
	data, err := r.at(ctx, card.Architecture.Height)
	if err != nil {
		return nil, err
	}
	config := r.Data
	config.Fold = fold
	_, held, err := config.Parts(data.Dataset)
	if err != nil {
		return nil, err
	}
	seen, isTold := learntFrom(card, data, held)
	if !isTold {
		r.Logger.Warn("the network's card does not tell what it has learnt from: what it has seen of its fold flatters it", "fold", fold, "network", file)
	}
	if seen != "" {
		return nil, fmt.Errorf("%s has learnt from %s by its card, which fold %d of %d holds out: expected a network that has not seen it", file, seen, fold, config.Folds)
	}
	return held, nil
}

// learntFrom names a class of a part that a network was trained on, by its card; empty where
// there is none. isTold is false where the card tells nothing of this data.
func learntFrom(card tfmodel.Card, data openedData, held *dataset.Dataset) (name string, isTold bool) {
	config, digest, isTold := training.Recorded(card)
	if !isTold || digest != data.digest {
		return "", false
	}
	learn, _, err := config.Parts(data.Dataset)
	if err != nil {
		return "", false // such as a file of names that is elsewhere
	}
	seen := map[string]bool{}
	for _, class := range learn.Classes() {
		seen[class.Name] = true
	}
	for _, class := range held.Classes() {
		if seen[class.Name] {
			return class.Name, true
		}
	}
	return "", true
}

// paceEvery is how often it is told how far the encoding is.
const paceEvery = 15 * time.Second

// pace tells how fast pictures are encoded.
type pace struct {
	logger      *slog.Logger
	begun, told time.Time
	done, all   int
}

func newPace(logger *slog.Logger, all int) *pace {
	now := time.Now()
	return &pace{logger: logger, begun: now, told: now, all: all}
}

func (p *pace) add(images int) {
	if p.done += images; time.Since(p.told) >= paceEvery {
		p.told = time.Now()
		p.tell("encoding")
	}
}

func (p *pace) end() { p.tell("measured") }

func (p *pace) tell(message string) {
	seconds := max(time.Since(p.begun).Seconds(), 1e-3)
	p.logger.Info(message, "encoded", p.done, "of", p.all, "seconds", int(seconds), "images_per_s", fmt.Sprintf("%.1f", float64(p.done)/seconds))
}
