package tfmodel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"siamese/internal/atomicfile"
)

// Store is where weight files are unpacked to SavedModels.
type Store struct {
	// Dir is the folder; it is made when needed. Empty: the user's cache folder,
	// and where that can't be written a temporary one, removed by Close.
	Dir string

	temporary string
}

// Close removes the temporary folder, if one was made.
func (s *Store) Close() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

// Open loads a model by its path: "" is the built-in one, a folder is a SavedModel
// as Load takes it, a file holds weights (safetensors or a Keras
// HDF5 file of the whole network). A weight file is unpacked into the store
// once; a damaged copy there is made again.
//
// A card beside a weight file is used: "x.json" for "x.safetensors". Without
// one the input is 105×105 and the threshold 0.5.
func (s *Store) Open(ctx context.Context, path string, options Options) (*Model, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	found, err := findUnpackable(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrModel, path, err)
	}
	if found == nil {
		return Load(ctx, path, options)
	}
	dir, err := s.unpack(ctx, found, options)
	if err != nil {
		return nil, fmt.Errorf("%w: unpack: %w", ErrModel, err)
	}
	model, err := Load(ctx, dir, options)
	if err == nil || ctx.Err() != nil {
		return model, err
	}
	// What is in the store can be made again.
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(dir))); err != nil {
		return nil, fmt.Errorf("%w: remove a damaged copy: %w", ErrModel, err)
	}
	if dir, err = s.unpack(ctx, found, options); err != nil {
		return nil, fmt.Errorf("%w: unpack again: %w", ErrModel, err)
	}
	return Load(ctx, dir, options)
}

// unpack exports a model into the store, unless it is there, and returns its
// folder: <store>/<key>/<name>/1.
func (s *Store) unpack(ctx context.Context, model *unpackable, options Options) (string, error) {
	root, err := s.root()
	if err != nil {
		return "", err
	}
	removeLeftovers(root)
	dir := filepath.Join(root, model.key, model.name, "1")
	if _, err := os.Stat(filepath.Join(dir, cardFile)); err == nil {
		return dir, nil
	}
	source, err := model.read()
	if err != nil {
		return "", err
	}
	err = Export(ctx, dir, source, options)
	if errors.Is(err, fs.ErrExist) {
		return dir, nil // another process has just written it
	}
	return dir, err
}

// root is the store's folder, made and writable.
func (s *Store) root() (string, error) {
	if s.Dir != "" {
		return s.Dir, os.MkdirAll(s.Dir, 0o755)
	}
	if s.temporary != "" {
		return s.temporary, nil
	}
	if cache, err := os.UserCacheDir(); err == nil {
		root := filepath.Join(cache, "siamese", "models")
		if writable(root) {
			return root, nil
		}
	}
	temporary, err := os.MkdirTemp("", "siamese-models-")
	s.temporary = temporary
	return temporary, err
}

// writable reports whether files can be made in a folder. It makes the folder.
func writable(dir string) bool {
	if os.MkdirAll(dir, 0o755) != nil {
		return false
	}
	probe, err := os.MkdirTemp(dir, atomicfile.Partial)
	if err != nil {
		return false
	}
	return os.Remove(probe) == nil
}

// leftoverAge is the age at which a half-written folder counts as abandoned:
// writing takes seconds.
const leftoverAge = time.Hour

// removeLeftovers removes what killed processes left half-written. What can't
// be removed stays: it does no harm.
func removeLeftovers(root string) {
	found, _ := filepath.Glob(filepath.Join(root, "*", "*", atomicfile.Partial+"*"))
	for _, dir := range found {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > leftoverAge {
			_ = os.RemoveAll(dir)
		}
	}
}
