package tfmodel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"siamese/internal/scratch"
)

// Scratch is where weight files become SavedModels for the moment in which they
// are loaded. Nothing that is found there is ever used: each Open writes its own
// folder, which no other user can reach, and removes it when the model is loaded.
// The next Open removes what a killed process left.
type Scratch struct {
	// Dir is the folder; it is made when needed. Empty: the system's temporary
	// folder, and where that can't be written the user's cache folder. So it is
	// where others could change what is written into Dir; Log says so.
	Dir string
	// Log takes warnings. Nil: discards them.
	Log *slog.Logger
}

// scratchPrefix begins the names of folders that are being written to be loaded.
const scratchPrefix = "siamese-model-"

// Open loads a model by its path: "general" and "omniglot" are the built-in ones, ""
// the first of them ("./general" is a file or folder of that name); a folder is a
// SavedModel as Load takes it, a file holds weights (safetensors or a Keras HDF5 file of the
// whole network). The model is warm when Open returns. The caller closes it.
// Errors wrap ErrModel, except for invalid options and a done ctx.
//
// A card beside a weight file is used: "x.json" for "x.safetensors". Without
// one the input is 105×105 and the threshold 0.5.
func (s Scratch) Open(ctx context.Context, path string, options Options) (*Model, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	read, err := findSource(ctx, path, options.Trust)
	if err != nil {
		return nil, refused(ctx, path, err)
	}
	if read == nil {
		return Load(ctx, path, options)
	}
	model, err := s.open(ctx, read, options)
	return model, refused(ctx, path, err)
}

// refused is an error about the model at path, nil for none.
func refused(ctx context.Context, path string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %q: %w", ErrModel, path, err)
}

// open unpacks what read gives, loads it and removes it again.
func (s Scratch) open(ctx context.Context, read func() (Source, error), options Options) (*Model, error) {
	source, err := read()
	if err != nil {
		return nil, err
	}
	if err := source.complete(); err != nil {
		return nil, err
	}
	at, err := s.folder()
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	defer func() {
		if err := at.Remove(); err != nil {
			s.warn("a temporary folder was not removed", at.Path(), err)
		}
	}()
	dir := filepath.Join(at.Path(), "1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	unpacked, measure, err := source.unpack(dir)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	if measure {
		if err := unpacked.measure(ctx, options); err != nil {
			return nil, err
		}
	}
	return unpacked.load(ctx, options, readProcessor)
}

func (s Scratch) warn(message, folder string, err error) {
	if s.Log != nil {
		s.Log.Warn(message, "folder", folder, "err", err)
	}
}

// folder makes a folder to unpack to in the first place that no other user can
// change. Where there is none it takes the first that can be written, as a mounted
// volume of a container may be, and warns.
func (s Scratch) folder() (*scratch.Folder, error) {
	places := []string{os.TempDir()}
	if s.Dir != "" {
		places = []string{s.Dir, os.TempDir()}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(cache, "siamese"))
	}
	var shared string
	var refusals []error
	for _, place := range places {
		at, err := privateFolder(place)
		if err == nil {
			return at, nil
		}
		if errors.Is(err, scratch.ErrUnsafe) && shared == "" {
			shared = place
		}
		if place == s.Dir {
			s.warn("the folder to unpack models to is not used while there is a better one", place, err)
		}
		refusals = append(refusals, err)
	}
	if shared == "" {
		return nil, fmt.Errorf("no folder can be written (--cache names one, 'siamese doctor' looks at them): %w", oneLine(refusals))
	}
	s.warn("no folder to unpack models to is this user's alone", shared, errors.Join(refusals...))
	return scratch.New(shared, scratchPrefix)
}

// oneLine is errors.Join on one line, as standard error has it; errs are not empty.
func oneLine(errs []error) error {
	all := errs[0]
	for _, err := range errs[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

// privateFolder makes a folder in a place, which it makes when needed.
func privateFolder(place string) (*scratch.Folder, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, err
	}
	if err := scratch.CheckPrivate(place); err != nil {
		return nil, err
	}
	return scratch.New(place, scratchPrefix)
}
