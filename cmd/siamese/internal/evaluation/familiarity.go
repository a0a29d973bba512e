package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/imaging"
	"siamese/internal/regular"
	"siamese/tfmodel/familiarity"
	"siamese/train/dataset"
)

// familiarityCommand is `siamese eval familiarity`.
type familiarityCommand struct {
	Path     string   `arg:"" optional:"" help:"The data whose pictures the model should know: a folder or zip, as for train. Empty: none."`
	Foreign  []string `help:"Names a folder of pictures that it should not know; may be repeated. Empty: none." placeholder:"DIR" sep:"none"`
	Pictures int      `help:"Sets how many pictures of each sort are looked at, drawn by chance." default:"800"`
	JSON     bool     `help:"Prints a JSON list."`

	datasets.HeldFlags
	network.ModelFlags
	network.ImagingFlags
}

// drawnSeed is for pictures that no statistic was made with.
const drawnSeed = 1 << 40

// sortOf is how many pictures of a sort are foreign to a model.
type sortOf struct {
	Name     string  `json:"name"`
	Pictures int     `json:"pictures"`
	Foreign  float64 `json:"foreign"` // share, 0 to 1
	StdErr   float64 `json:"stderr"`
}

// Run prints which share of each sort of pictures is foreign to the model.
func (c *familiarityCommand) Run(ctx context.Context, s cli.Streams) error {
	if c.Pictures < 1 {
		return cli.Usage(fmt.Errorf("eval familiarity: --pictures %d, expected 1 or more", c.Pictures))
	}
	return c.With(ctx, func(model *network.Model) error {
		if model.Card().Familiarity == nil {
			return fmt.Errorf("model %s does not tell what is familiar to it: siamese calibrate --data makes that", model.Card().Name)
		}
		sorts, err := c.measure(ctx, model)
		if err != nil || c.JSON {
			return errors.Join(err, printJSON(s.Out, c.JSON && err == nil, sorts))
		}
		return printSorts(s.Out, sorts)
	})
}

func printSorts(w io.Writer, sorts []sortOf) error {
	for _, sort := range sorts {
		if _, err := fmt.Fprintf(w, "%6.2f %% ± %.2f foreign of %4d pictures: %s\n", 100*sort.Foreign, 100*sort.StdErr, sort.Pictures, sort.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *familiarityCommand) measure(ctx context.Context, model *network.Model) (sorts []sortOf, err error) {
	add := func(name string, pictures [][]byte) error {
		sort, err := shareForeign(ctx, model, name, pictures)
		sorts = append(sorts, sort)
		return err
	}
	architecture := model.Card().Architecture
	if c.Path != "" {
		err := c.WithData(ctx, c.Path, architecture.Height, func(data *dataset.Dataset) error {
			pictures, err := c.known(data)
			if err != nil {
				return err
			}
			return add(filepath.Base(c.Path)+", "+c.DescribeData(), pictures)
		})
		if err != nil {
			return nil, err
		}
	}
	preparer, err := c.Preparer(architecture)
	if err != nil {
		return nil, err
	}
	for _, folder := range c.Foreign {
		pictures, err := c.inFolder(preparer, folder)
		if err == nil {
			err = add(filepath.Base(folder), pictures)
		}
		if err != nil {
			return nil, err
		}
	}
	kinds := familiarity.ForeignKinds()
	drawn, err := familiarity.Foreign(len(kinds)*min(c.Pictures, 200), architecture.Width, architecture.Height, drawnSeed+c.Seed)
	if err != nil {
		return nil, err
	}
	for k, kind := range kinds {
		var pictures [][]byte
		for i := k; i < len(drawn); i += len(kinds) {
			pictures = append(pictures, drawn[i])
		}
		if err := add(kind+", drawn by the program", pictures); err != nil {
			return nil, err
		}
	}
	return sorts, nil
}

// known draws pictures of the data.
func (c *familiarityCommand) known(data *dataset.Dataset) ([][]byte, error) {
	var images []dataset.Image
	for _, class := range data.Classes() {
		images = append(images, class.Images...)
	}
	random := rand.New(rand.NewPCG(c.Seed, 13))
	random.Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
	var pictures [][]byte
	for _, image := range images[:min(c.Pictures, len(images))] {
		picture, err := data.Picture(image)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, picture.Pix)
	}
	return pictures, nil
}

// inFolder draws pictures of a folder and those below it; what is none is passed over.
func (c *familiarityCommand) inFolder(preparer *imaging.Preparer, folder string) ([][]byte, error) {
	var paths []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(c.Seed, 14))
	random.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	var pictures [][]byte
	for _, path := range paths {
		if len(pictures) == c.Pictures {
			break
		}
		encoded, err := regular.Read(path, maxPictureBytes)
		if errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		if err != nil {
			continue // no file
		}
		if picture, err := preparer.Prepare(encoded); err == nil {
			pictures = append(pictures, picture.Pix)
		}
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("%s: received no picture among %d files, expected at least one", folder, len(paths))
	}
	return pictures, nil
}

// maxPictureBytes bounds a picture's file.
const maxPictureBytes = 1 << 28

// shareForeign encodes pictures and counts those that are foreign.
func shareForeign(ctx context.Context, model *network.Model, name string, pictures [][]byte) (sortOf, error) {
	sort := sortOf{Name: name, Pictures: len(pictures)}
	foreign := 0
	for _, pixels := range pictures {
		embedding, err := model.Encode(ctx, pixels)
		if err != nil {
			return sort, err
		}
		if value, bound, _ := model.Familiarity(pixels, embedding); value < bound {
			foreign++
		}
	}
	all := float64(max(len(pictures), 1))
	sort.Foreign = float64(foreign) / all
	sort.StdErr = math.Sqrt(sort.Foreign * (1 - sort.Foreign) / all)
	return sort, nil
}
