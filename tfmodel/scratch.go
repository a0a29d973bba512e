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

// Open loads a model by its path: "" is the built-in one, a folder is a SavedModel
// as Load takes it, a file holds weights (safetensors or a Keras HDF5 file of the
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
func (s Scratch) open(ctx context.Context, read func() (Source, error), options Options) (_ *Model, err error) {
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
	defer func() { err = errors.Join(err, at.Remove()) }()
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

// folder makes a folder to unpack to.
func (s Scratch) folder() (*scratch.Folder, error) {
	var refusals []error
	if s.Dir != "" {
		if err := os.MkdirAll(s.Dir, 0o700); err != nil {
			return nil, err
		}
		err := scratch.CheckPrivate(s.Dir)
		if err == nil {
			return scratch.New(s.Dir, scratchPrefix)
		}
		refusals = append(refusals, err)
		if s.Log != nil {
			s.Log.Warn("the folder to unpack models to is not used", "folder", s.Dir, "err", err)
		}
	}
	at, err := scratch.New("", scratchPrefix)
	if err == nil {
		return at, nil
	}
	refusals = append(refusals, err)
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, errors.Join(append(refusals, err)...)
	}
	cache = filepath.Join(cache, "siamese")
	if err = os.MkdirAll(cache, 0o700); err == nil {
		if err = scratch.CheckPrivate(cache); err == nil {
			at, err = scratch.New(cache, scratchPrefix)
		}
	}
	if err != nil {
		return nil, errors.Join(append(refusals, err)...)
	}
	return at, nil
}
