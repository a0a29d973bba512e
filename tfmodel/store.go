package tfmodel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"siamese/tfmodel/builtin"
	"siamese/weights"
)

// formatVersion is raised when exported models change in form, so that caches
// of an older program are not used.
const formatVersion = "1"

// Store is where weight files are unpacked to SavedModels.
type Store struct {
	// Dir is the folder; it is made when needed. Empty: the user's cache folder,
	// and where that can't be written a temporary one, removed by Close.
	Dir string

	temporary string
}

// Close removes what was temporary.
func (s *Store) Close() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

// Open loads a model from wherever it is: "" is the built-in one, a folder is a
// SavedModel as Load takes it, a file holds weights (safetensors or a Keras
// HDF5 file of the whole network). A weight file is unpacked into the store
// once; a damaged copy there is made anew.
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
	// What is in the store is ours to make again.
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(dir))); err != nil {
		return nil, fmt.Errorf("%w: remove a damaged copy: %w", ErrModel, err)
	}
	if dir, err = s.unpack(ctx, found, options); err != nil {
		return nil, fmt.Errorf("%w: unpack again: %w", ErrModel, err)
	}
	return Load(ctx, dir, options)
}

// ReadSource reads what a SavedModel is made of: the built-in model for "", else
// a weight file with the card beside it, as [Store.Open] takes it. Errors wrap
// ErrModel.
func ReadSource(path string) (Source, error) {
	source, err := readSource(path)
	if err != nil {
		return Source{}, fmt.Errorf("%w: %q: %w", ErrModel, path, err)
	}
	return source, nil
}

func readSource(path string) (Source, error) {
	model, err := findUnpackable(path)
	if err != nil {
		return Source{}, err
	}
	if model == nil {
		return Source{}, errors.New("it is a folder, want a weight file")
	}
	return model.read()
}

// unpackable is a model that has to become a SavedModel before it is loaded.
type unpackable struct {
	// key names what it is made from: the same key, the same SavedModel.
	key  string
	name string
	read func() (Source, error)
}

// findUnpackable returns nil for a folder.
func findUnpackable(path string) (*unpackable, error) {
	if path == "" {
		card, err := ParseCard(builtin.Card)
		if err != nil {
			return nil, err
		}
		// The card gives the hash of the weights: a test holds it to that.
		return &unpackable{key: storeKey([]byte(card.Weights.SHA256), builtin.Card), name: builtin.Name, read: readBuiltin}, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file or folder")
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, nil
	}
	hash, err := hashFile(path)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	sidecar, err := os.ReadFile(CardPath(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &unpackable{
		key:  storeKey([]byte(hash), []byte(name), sidecar),
		name: name,
		read: func() (Source, error) { return readFile(path, hash, sidecar) },
	}, nil
}

// CardPath is where the card of a weight file is looked for: "x.json" for
// "x.safetensors".
func CardPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
}

// storeKey is short enough for a folder and long enough not to collide.
func storeKey(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range append(parts, []byte(formatVersion)) {
		fmt.Fprintf(hash, "%d:", len(part))
		hash.Write(part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:24]
}

func readBuiltin() (Source, error) {
	card, err := ParseCard(builtin.Card)
	if err != nil {
		return Source{}, err
	}
	set, _, err := weights.ReadSafetensors(bytes.NewReader(builtin.Weights), int64(len(builtin.Weights)))
	if err != nil {
		return Source{}, fmt.Errorf("built-in weights: %w", err)
	}
	return Source{Card: card, Weights: set, Pictures: builtin.Pictures}, nil
}

// readFile reads a weight file with the card beside it, or makes a card.
func readFile(path, hash string, sidecar []byte) (Source, error) {
	set, err := weights.Read(path)
	if err != nil {
		return Source{}, err
	}
	source := Source{Weights: set, Pictures: os.DirFS(filepath.Dir(path))}
	if sidecar != nil {
		source.Card, err = ParseCard(sidecar)
	} else {
		source.Card, err = bareCard(path, set)
	}
	source.Card.Weights.SHA256 = hash
	return source, err
}

// bareCard is the card of weights that come without one.
func bareCard(path string, set *weights.Set) (Card, error) {
	architecture, err := InferArchitecture(set, DefaultSide, DefaultSide)
	if err != nil {
		return Card{}, fmt.Errorf("%w (a card beside the file, %s, can give another input size)", err, filepath.Base(CardPath(path)))
	}
	return Card{
		Name:          strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
		Architecture:  architecture,
		Input:         "uint8 RGB at height × width; inside the graph float32 in [0,1]",
		Threshold:     0.5,
		ThresholdNote: "Not measured: the weight file came without a card.",
	}, nil
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
		return dir, nil // another process was faster
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

// writable tells whether files can be made in a folder, which is made.
func writable(dir string) bool {
	if os.MkdirAll(dir, 0o755) != nil {
		return false
	}
	probe, err := os.MkdirTemp(dir, partialPrefix)
	if err != nil {
		return false
	}
	return os.Remove(probe) == nil
}

// leftoverAge is the age from which a half-written folder is certainly nobody's:
// writing takes seconds.
const leftoverAge = time.Hour

// removeLeftovers removes what killed processes left half-written. What can't
// be removed stays: it does no harm.
func removeLeftovers(root string) {
	found, _ := filepath.Glob(filepath.Join(root, "*", "*", partialPrefix+"*"))
	for _, dir := range found {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > leftoverAge {
			_ = os.RemoveAll(dir)
		}
	}
}
