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
	"path"
	"path/filepath"
	"strings"

	"siamese/tfmodel/builtin"
	"siamese/weights"
)

// Source is what a SavedModel is made of.
type Source struct {
	// Card is the model's card. Its parameters, digest and files are filled in
	// by Export; its golden pairs too, where it has none.
	Card Card
	// Weights are the network's variables, as Card.Architecture has them.
	Weights *weights.Set
	// Pictures holds the golden pairs' pictures by the paths in the card. Nil
	// where the card has none.
	Pictures fs.FS
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
	set, metadata, err := weights.ReadWithMetadata(path)
	if err != nil {
		return Source{}, err
	}
	source := Source{Weights: set, Pictures: os.DirFS(filepath.Dir(path))}
	if sidecar != nil {
		source.Card, err = ParseCard(sidecar)
	} else {
		source.Card, err = bareCard(path, set, metadata)
	}
	source.Card.Weights.SHA256 = hash
	return source, err
}

// bareCard is the card of weights that come without one.
func bareCard(path string, set *weights.Set, metadata map[string]string) (Card, error) {
	architecture, err := architectureOf(set, metadata)
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

// CardPath is where the card of a weight file is looked for: "x.json" for
// "x.safetensors".
func CardPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
}

// storeKey is a hash of the parts, short enough for a folder's name and long
// enough not to collide.
func storeKey(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range append(parts, []byte(formatVersion)) {
		fmt.Fprintf(hash, "%d:", len(part))
		hash.Write(part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:24]
}

// formatVersion is raised when exported models change in form, so that caches
// of an older program are not used.
const formatVersion = "1"

// Export writes a SavedModel folder with its card, which Load, TensorFlow
// Serving and Keras can load. The folder appears whole or not at all; its
// parents are made. The new model is loaded once, with the options but in float32,
// and must give the golden pairs the similarities of the card; pairs that the
// card lacks are drawn and measured.
//
// An existing folder is an error that wraps fs.ErrExist.
func Export(ctx context.Context, dir string, source Source, options Options) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("export to %q: %w", dir, fs.ErrExist)
	}
	if err := source.complete(); err != nil {
		return fmt.Errorf("export to %q: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), partialPrefix)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer os.RemoveAll(partial)
	if err := source.write(ctx, partial, options); err != nil {
		return fmt.Errorf("export to %q: %w", dir, err)
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return syncPath(filepath.Dir(dir))
}

// partialPrefix begins the names of folders that are being written.
const partialPrefix = ".partial-"

// complete fills in what can be derived and checks the rest.
func (s *Source) complete() error {
	s.Card.Parameters = s.Card.Architecture.Parameters()
	s.Card.Weights.Digest = s.Card.Architecture.Digest(s.Weights)
	if err := s.Card.Validate(); err != nil {
		return err
	}
	return s.Card.Architecture.Check(s.Weights)
}

// write makes the model in an empty folder and checks its golden pairs.
func (s *Source) write(ctx context.Context, dir string, options Options) error {
	if err := writeSavedModel(dir, s.Card.Architecture, s.Weights); err != nil {
		return err
	}
	pictures, measure, err := s.goldenPictures()
	if err != nil {
		return err
	}
	for name, data := range pictures {
		if err := writeExtra(dir, name, data); err != nil {
			return err
		}
	}
	// Golden similarities are what any other precision is held against.
	options.Precision = Float32Precision
	written := folder{dir, s.Card}
	model, err := written.open(options)
	if err != nil {
		return err
	}
	defer func() { _ = model.Close() }() // it was only loaded to be read
	if measure {
		measured, err := model.measureGoldenPairs(ctx, written.extra())
		if err != nil {
			return err
		}
		for i := range measured {
			s.Card.GoldenPairs[i].Similarity = measured[i]
		}
	} else if err := model.checkGoldenPairs(ctx, written.extra(), GoldenTolerance); err != nil {
		return err
	}
	if err := writeCard(dir, s.Card); err != nil {
		return err
	}
	return syncTree(dir)
}

// goldenPictures gathers the pictures of the golden pairs; where the card has
// no pairs it draws some, whose similarity is to be measured.
func (s *Source) goldenPictures() (pictures map[string][]byte, measure bool, err error) {
	if len(s.Card.GoldenPairs) == 0 {
		pictures, err = patternPictures(s.Card.Architecture)
		s.Card.GoldenPairs = []GoldenPair{{A: patternA, B: patternB}}
		return pictures, true, err
	}
	if s.Pictures == nil {
		return nil, false, fmt.Errorf("the card names golden pairs, but their pictures were not given")
	}
	pictures = make(map[string][]byte)
	for _, pair := range s.Card.GoldenPairs {
		for _, name := range []string{pair.A, pair.B} {
			if pictures[name], err = fs.ReadFile(s.Pictures, name); err != nil {
				return nil, false, fmt.Errorf("golden picture: %w", err)
			}
		}
	}
	return pictures, false, nil
}

// writeExtra writes a file beside the card.
func writeExtra(dir, name string, data []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("golden picture %q: want a path within the model's folder", name)
	}
	target := filepath.Join(dir, extraFolder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path.Base(name), err)
	}
	return os.WriteFile(target, data, 0o644)
}

// syncTree makes a folder's content durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
}

func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync %q: %w", path, err)
	}
	return nil
}
