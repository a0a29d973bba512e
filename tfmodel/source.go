package tfmodel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"siamese/internal/atomicfile"
	"siamese/internal/regular"
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
	// Digest is that of the files that the model was read from, card and pictures
	// among them: see Trust. Empty for a source that was not read.
	Digest string
}

// Bounds of the files of a model, so that one that somebody planted costs no more
// than an honest one might.
const (
	// VGG16 of 224×224 has 110 MB of float32. With every width doubled and an
	// input of 448×448 it is 1.4 GB.
	maxModelFileBytes = 4 << 30
	// The largest that this program wrote had 9 kB: a card names files and pairs.
	maxCardBytes = 16 << 20
	// Of the input's size: 224×224 as an uncompressed PNG is 150 kB.
	maxPictureBytes = 64 << 20
	// A SavedModel of TensorFlow's has 3 files and some assets.
	maxModelFiles = 1000
)

// ReadSource reads what a SavedModel is made of: a built-in model for its name, the
// default one for "", else a weight file with the card beside it, as [Scratch.Open]
// takes it. Errors wrap ErrModel.
func ReadSource(ctx context.Context, path string, trust Trust) (Source, error) {
	if err := trust.validate(); err != nil {
		return Source{}, err
	}
	read, err := findSource(ctx, path, trust)
	if err == nil && read == nil {
		err = errors.New("it is a folder, want a weight file")
	}
	if err != nil {
		return Source{}, refused(ctx, path, err)
	}
	source, err := read()
	return source, refused(ctx, path, err)
}

// findSource finds what is at path and returns what reads it; nil for a folder.
func findSource(ctx context.Context, path string, trust Trust) (read func() (Source, error), err error) {
	if model, ok := builtin.Find(path); ok {
		return func() (Source, error) { return readBuiltin(model, trust) }, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is no such file or folder ('siamese models' lists the models that are built in)")
	}
	if err != nil || info.IsDir() {
		return nil, err
	}
	return func() (Source, error) { return readFile(ctx, path, trust) }, nil
}

func readBuiltin(model builtin.Model, trust Trust) (Source, error) {
	card, err := ParseCard(model.Card)
	if err != nil {
		return Source{}, err
	}
	pictures, err := readPictures(model.Pictures, card)
	if err != nil {
		return Source{}, err
	}
	// The card gives the hash of the weights: a test holds it to that.
	digest := fileDigest(model.Name+".safetensors", card.Weights.SHA256, model.Name+".json", model.Card, pictures)
	if err := trust.check(digest); err != nil {
		return Source{}, err
	}
	set, _, err := weights.ReadSafetensors(bytes.NewReader(model.Weights), int64(len(model.Weights)))
	if err != nil {
		return Source{}, fmt.Errorf("built-in weights of %s: %w", model.Name, err)
	}
	return Source{Card: card, Weights: set, Pictures: pictures, Digest: digest}, nil
}

// readFile reads a weight file with the card beside it, or makes a card.
func readFile(ctx context.Context, path string, trust Trust) (Source, error) {
	source, metadata, err := holdFile(ctx, path, trust)
	if err == nil && source.Card.Name == "" {
		sum := source.Card.Weights.SHA256
		source.Card, err = bareCard(path, source.Weights, metadata)
		source.Card.Weights.SHA256 = sum
	}
	return source, err
}

// ReadWeightFile reads a weight file that need not hold the whole network. Errors wrap
// ErrModel.
func ReadWeightFile(ctx context.Context, path string, trust Trust) (*weights.Set, error) {
	if err := trust.validate(); err != nil {
		return nil, err
	}
	source, _, err := holdFile(ctx, path, trust)
	return source.Weights, refused(ctx, path, err)
}

// holdFile reads a weight file, whose metadata it returns too, with the card beside it,
// if there is one. Each file is read once: what is used is what was hashed.
func holdFile(ctx context.Context, path string, trust Trust) (source Source, metadata map[string]string, err error) {
	content, err := regular.Read(path, maxModelFileBytes)
	if err != nil {
		return Source{}, nil, err
	}
	sum := hashOf(content)
	sidecar, err := regular.Read(CardPath(path), maxCardBytes)
	if err == nil {
		source.Card, err = ParseCard(sidecar)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Source{}, nil, err
	}
	pictures, err := readPictures(regular.DirFS(filepath.Dir(path), maxPictureBytes), source.Card)
	if err != nil {
		return Source{}, nil, err
	}
	source.Digest = fileDigest(filepath.Base(path), sum, filepath.Base(CardPath(path)), sidecar, pictures)
	if err := errors.Join(trust.check(source.Digest), ctx.Err()); err != nil {
		return Source{}, nil, err
	}
	source.Pictures = pictures
	source.Card.Weights.SHA256 = sum
	source.Weights, metadata, err = weights.ReadContent(content)
	return source, metadata, err
}

// bareCard is the card of weights that come without one.
func bareCard(path string, set *weights.Set, metadata map[string]string) (Card, error) {
	card := filepath.Base(CardPath(path))
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if err := checkName(name); err != nil {
		return Card{}, fmt.Errorf("the file's name gives the model's: %w (a card beside the file, %s, can give another)", err, card)
	}
	architecture, err := architectureOf(set, metadata)
	if err != nil {
		return Card{}, fmt.Errorf("%w (a card beside the file, %s, can give another input size)", err, card)
	}
	return Card{
		Name:          name,
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
	err := atomicfile.NewFolder(dir, func(temporary string) error { return source.write(ctx, temporary, options) })
	if err != nil {
		return fmt.Errorf("export to %q: %w", dir, err)
	}
	return nil
}

// complete fills in what can be derived and checks the rest.
func (s *Source) complete() error {
	s.Card.Parameters = s.Card.Architecture.Parameters()
	s.Card.Weights.Digest = s.Card.Architecture.Digest(s.Weights)
	if err := s.Card.Validate(); err != nil {
		return err
	}
	if err := s.Card.Architecture.Check(s.Weights); err != nil {
		return err
	}
	if err := s.Weights.CheckFinite(); err != nil {
		return err
	}
	var err error
	s.Card.EmbeddingMax, err = s.Card.Architecture.embeddingMax(func(variable Variable) ([]float32, error) {
		tensor, _ := s.Weights.Get(variable.Name) // which Check has found
		return tensor.Data, nil
	})
	return err
}

// unpack makes the model in an empty folder, all but its card's file. measure
// reports whether its golden pairs have yet to be measured.
func (s *Source) unpack(dir string) (unpacked *folder, measure bool, err error) {
	if err := writeSavedModel(dir, s.Card.Architecture, s.Weights); err != nil {
		return nil, false, err
	}
	pictures, measure, err := s.goldenPictures()
	if err != nil {
		return nil, false, err
	}
	for name, data := range pictures {
		if err := writeExtra(dir, name, data); err != nil {
			return nil, false, err
		}
	}
	return &folder{dir, s.Card}, measure, nil
}

// write makes the model in an empty folder and checks its golden pairs.
func (s *Source) write(ctx context.Context, dir string, options Options) error {
	written, measure, err := s.unpack(dir)
	if err != nil {
		return err
	}
	if measure {
		err = written.measure(ctx, options)
	} else {
		err = written.check(ctx, options)
	}
	if err != nil {
		return err
	}
	return writeCard(ctx, dir, written.card)
}

// measure gives the card's golden pairs the similarities that they have in
// float32, which is what any other precision is held against.
func (f *folder) measure(ctx context.Context, options Options) error {
	options.Precision = Float32Precision
	model, err := f.open(options)
	if err != nil {
		return err
	}
	defer func() { _ = model.Close() }() // it was only loaded to be read
	measured, err := model.measureGoldenPairs(ctx, f.extra())
	for i := range measured {
		f.card.GoldenPairs[i].Similarity = measured[i]
	}
	return err
}

// check holds the golden pairs in float32 to their similarities.
func (f *folder) check(ctx context.Context, options Options) error {
	options.Precision = Float32Precision
	model, err := f.openChecked(ctx, options, GoldenTolerance)
	if err != nil {
		return err
	}
	return model.Close()
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
