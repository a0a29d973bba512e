package tfmodel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	binding "github.com/galeone/tensorflow/tensorflow/go"

	"siamese/tfmodel/internal/tf"
)

// ErrModel is wrapped by every error that says a model can't be served: its
// folder is not there, foreign, damaged, or does not answer as its card says.
var ErrModel = errors.New("model refused")

// Load loads a SavedModel folder that this program wrote: the folder itself, or
// one with numbered versions, of which the highest is taken. It refuses what
// does not hold: hashes of the files, names and shapes of the signatures, the
// similarities of the golden pairs. With AutoPrecision it may load the model
// twice. The model is warm when Load returns. The caller closes it. Errors wrap
// ErrModel, except for invalid options and a done ctx.
func Load(ctx context.Context, dir string, options Options) (*Model, error) {
	return loadOn(ctx, dir, options, hasBFloat16())
}

// loadOn is Load on a processor that is fast in bfloat16, or is not.
func loadOn(ctx context.Context, dir string, options Options, fast bool) (*Model, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	model, err := load(ctx, dir, options, fast)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrModel, dir, err)
	}
	return model, err
}

func load(ctx context.Context, dir string, options Options, fast bool) (*Model, error) {
	dir, err := versionFolder(dir)
	if err != nil {
		return nil, err
	}
	card, err := readCard(dir)
	if err != nil {
		return nil, err
	}
	if err := checkFiles(dir, card); err != nil {
		return nil, err
	}
	if options.Precision == AutoPrecision {
		return openAuto(ctx, dir, card, options, fast)
	}
	return openProven(ctx, dir, card, options, options.Precision.tolerance())
}

// openProven loads a folder whose files hold, and holds its golden pairs to a
// tolerance.
func openProven(ctx context.Context, dir string, card Card, options Options, tolerance float64) (*Model, error) {
	model, err := openSession(dir, card, options)
	if err != nil {
		return nil, err
	}
	if err := model.checkGoldenPairs(ctx, os.DirFS(filepath.Join(dir, extraFolder)), tolerance); err != nil {
		_ = model.Close() // the first error is the one to tell
		return nil, err
	}
	tf.TrimMemory()
	return model, nil
}

// openSession loads a folder without looking at hashes or golden pairs.
func openSession(dir string, card Card, options Options) (*Model, error) {
	session, signatures, err := loadSession(dir, options)
	if err != nil {
		return nil, err
	}
	model, err := newModel(session, card, options)
	if err != nil {
		_ = session.Close() // the first error is the one to tell
		return nil, err
	}
	model.version = filepath.Base(dir)
	model.endpoints, err = findEndpoints(session, signatures, card.Architecture)
	if err != nil {
		_ = session.Close()
		return nil, err
	}
	return model, nil
}

// loadSession loads a folder's graph in the precision of the options.
func loadSession(dir string, options Options) (_ *tf.Session, _ map[string]binding.Signature, err error) {
	config, err := options.config()
	if err != nil {
		return nil, nil, err
	}
	rounds, err := options.roundsGraph()
	if err != nil {
		return nil, nil, err
	}
	if rounds {
		if dir, err = roundedCopy(dir); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	options.Precision.allowTensorFloat32()
	return tf.Load(dir, config)
}

// newModel settles where the model runs.
func newModel(session *tf.Session, card Card, options Options) (*Model, error) {
	device, err := options.chosenDevice(session)
	if err != nil {
		return nil, err
	}
	model := &Model{
		session: session, card: card, device: device,
		precision: options.Precision.session(), maxRunImages: options.MaxRunImages,
	}
	if model.maxRunImages == 0 {
		model.maxRunImages = maxRunImagesGPU
		if device == DeviceCPU {
			model.maxRunImages = maxRunImagesCPU
		}
	}
	return model, nil
}

// versionFolder finds the folder with saved_model.pb: dir itself, or its
// subfolder with the highest number.
func versionFolder(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, graphFile)); err == nil {
		return filepath.Clean(dir), nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no such folder")
	}
	if err != nil {
		return "", err
	}
	best, found := uint64(0), ""
	for _, entry := range entries {
		number, err := strconv.ParseUint(entry.Name(), 10, 63)
		if err == nil && entry.IsDir() && (found == "" || number > best) {
			best, found = number, entry.Name()
		}
	}
	if found == "" {
		return "", fmt.Errorf("it holds neither %s nor numbered versions: it is no SavedModel, or half of one", graphFile)
	}
	dir = filepath.Join(dir, found)
	if _, err := os.Stat(filepath.Join(dir, graphFile)); err != nil {
		return "", fmt.Errorf("its version %s holds no %s: it is no SavedModel, or half of one", found, graphFile)
	}
	return dir, nil
}
