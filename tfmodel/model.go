package tfmodel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	binding "github.com/galeone/tensorflow/tensorflow/go"

	"siamese/internal/regular"
	"siamese/tfmodel/internal/tf"
)

// ErrModel is wrapped by errors that say why a model can't be served: its folder
// is missing, foreign or damaged, or does not answer as its card says.
var ErrModel = errors.New("model refused")

// IsTransient reports whether an error says nothing about the model that was to be
// loaded: something was lacking that may be there again later, such as file
// descriptors, memory or a disk that answers.
func IsTransient(err error) bool {
	if failed, ok := errors.AsType[*tf.Error](err); ok && failed.IsShortage() {
		return true
	}
	if err == nil {
		return false
	}
	// tfgo gives the text of an error alone, with the C library's words.
	text := strings.ToLower(err.Error())
	return slices.ContainsFunc(shortages, func(shortage syscall.Errno) bool {
		return errors.Is(err, shortage) || strings.Contains(text, shortage.Error())
	})
}

// shortages are the system's errors that pass.
var shortages = []syscall.Errno{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EAGAIN,
	syscall.ETXTBSY, syscall.EBUSY, syscall.EIO, syscall.ESTALE, syscall.ETIMEDOUT,
}

// Model is a loaded network. Encode and Compare are safe for concurrent use,
// with each other and with Close.
type Model struct {
	session   *tf.Session
	endpoints endpoints
	// signatures are those of the SavedModel.
	signatures []Signature
	card       Card
	version    string
	device     string
	precision  Precision
	// precisionReason is why it is that, where AutoPrecision was asked for.
	precisionReason string
	// maxRunImages bounds a run, which can't be interrupted.
	maxRunImages int
	embeddingMax float64
	// metricWeights are as MetricWeights returns them.
	metricWeights []float32
}

// maxRunPairs bounds a run of the head: 256 candidates take about 10 ms on a
// CPU and 9 MB.
const maxRunPairs = 256

// Load loads a SavedModel folder that this program wrote: the folder itself, or
// one with numbered versions, of which the highest is taken. It refuses what
// does not hold: hashes of the files, names and shapes of the signatures, the
// similarities of the golden pairs. With AutoPrecision it may load the model
// up to three times. The model is warm when Load returns. The caller closes it. Errors wrap
// ErrModel, except for invalid options and a done ctx.
func Load(ctx context.Context, dir string, options Options) (*Model, error) {
	return loadOn(ctx, dir, options, readProcessor)
}

// Card is what the model says about itself. Its maps and slices must not be
// changed.
func (m *Model) Card() Card { return m.card }

// EmbeddingMax is what a value of an embedding is at most. It follows from the weights
// (see Card.EmbeddingMax). A graph of another program gets its card's. 0: unknown.
func (m *Model) EmbeddingMax() float64 { return m.embeddingMax }

// EmbeddingMin is what a value of an embedding is at least: 0 where a ReLU ends the
// encoder, and minus EmbeddingMax behind a projection. 0 too where that is unknown.
func (m *Model) EmbeddingMin() float64 {
	if m.card.Architecture.belowZero() {
		return -m.embeddingMax
	}
	return 0
}

// unitTolerance is how far from 1 the length of an embedding may be.
const unitTolerance = 1e-2 // bfloat16's, of 512 numbers

// CheckEmbedding returns an error that names the first value of an embedding which the
// model can't make: one that is not finite, below EmbeddingMin or above EmbeddingMax; or
// its length as a vector, where the model makes all of length 1.
func (m *Model) CheckEmbedding(embedding []float32) error {
	least, most := m.EmbeddingMin(), m.embeddingMax
	if most == 0 {
		most = math.MaxFloat32
		if m.card.Architecture.belowZero() {
			least = -most
		}
	}
	norm := 0.0
	for i, value := range embedding {
		if !(float64(value) >= least && float64(value) <= most) { // NaN too
			return fmt.Errorf("received %v as number %d of an embedding, expected %v to %v, what the model can make", value, i, float32(least), float32(most))
		}
		norm += float64(value) * float64(value)
	}
	if norm = math.Sqrt(norm); m.card.Architecture.Unit && math.Abs(norm-1) > unitTolerance {
		return fmt.Errorf("received an embedding of length %.4g as a vector, expected 1, what the model makes", norm)
	}
	return nil
}

// Familiarity returns how familiar an image is to the model, 0 to 1, and below which
// value it is foreign (package familiarity). pixels is uint8 [H,W,3], embedding what
// Encode made of them; without pixels the embedding alone is looked at, which knows
// less. False where the model does not tell.
func (m *Model) Familiarity(pixels []byte, embedding []float32) (value, bound float64, ok bool) {
	s := m.card.Familiarity
	if s == nil {
		return 0, 0, false
	}
	if pixels == nil {
		return s.OfEmbedding(embedding), s.Bound, true
	}
	return s.Of(pixels, m.card.Architecture.Width, m.card.Architecture.Height, embedding), s.Bound, true
}

// Version is the name of the folder that the model was loaded from.
func (m *Model) Version() string { return m.version }

// Device is where the model runs: "cpu" or "gpu:N".
func (m *Model) Device() string { return m.device }

// Precision is what the model computes in: Float32Precision, TensorFloat32 or
// BFloat16.
func (m *Model) Precision() Precision { return m.precision }

// PrecisionReason says, for people, why Precision is what it is. It is empty
// unless the model was loaded with AutoPrecision.
func (m *Model) PrecisionReason() string { return m.precisionReason }

// MaxRunImages is the largest number of images in one run of Encode.
func (m *Model) MaxRunImages() int { return m.maxRunImages }

// Encode turns images into embeddings. pixels is uint8 [N,H,W,3] RGB, N at
// least 1, and stays the caller's; the result is float32 [N,E], the caller's.
//
// Long batches are run in parts; ctx is checked before each part and not
// during it, so that Encode returns at most one part's time after ctx is done.
func (m *Model) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	size, length := m.card.Architecture.ImageBytes(), m.card.Architecture.EmbeddingLength()
	if len(pixels) == 0 || len(pixels)%size != 0 {
		return nil, fmt.Errorf("encode: got %d bytes, want a positive multiple of %d (%d×%d×3)",
			len(pixels), size, m.card.Architecture.Height, m.card.Architecture.Width)
	}
	count := len(pixels) / size
	embeddings := make([]float32, count*length)
	for begin := 0; begin < count; begin += m.maxRunImages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+m.maxRunImages, count)
		err := m.encodeRun(pixels[begin*size:end*size], embeddings[begin*length:end*length], end-begin)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
	}
	return embeddings, nil
}

func (m *Model) encodeRun(pixels []byte, embeddings []float32, count int) error {
	architecture := m.card.Architecture
	return m.session.Run(
		[]tf.Feed{{
			To:    m.endpoints.images,
			Type:  tf.Uint8,
			Shape: []int64{int64(count), int64(architecture.Height), int64(architecture.Width), 3},
			Data:  pixels,
		}},
		[]tf.Fetch{{
			From:  m.endpoints.embeddings,
			Type:  tf.Float32,
			Shape: []int64{int64(count), int64(architecture.EmbeddingLength())},
			Into:  tf.Float32Bytes(embeddings),
		}})
}

// Compare turns N pairs of embeddings, float32 [N,E] each, N at least 1, into N
// similarities in 0..1: a[i] against b[i]. It is symmetric in a and b. The
// arguments stay the caller's, the result is the caller's. ctx is checked as by
// Encode.
func (m *Model) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	length := m.card.Architecture.EmbeddingLength()
	if len(a) == 0 || len(a)%length != 0 || len(a) != len(b) {
		return nil, fmt.Errorf("compare: got %d and %d values, want the same positive multiple of %d", len(a), len(b), length)
	}
	count := len(a) / length
	similarities := make([]float32, count)
	for begin := 0; begin < count; begin += maxRunPairs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+maxRunPairs, count)
		err := m.compareRun(a[begin*length:end*length], b[begin*length:end*length], similarities[begin:end])
		if err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
	}
	return similarities, nil
}

func (m *Model) compareRun(a, b, similarities []float32) error {
	count := int64(len(similarities))
	shape := []int64{count, int64(m.card.Architecture.EmbeddingLength())}
	return m.session.RunInline(
		[]tf.Feed{
			{To: m.endpoints.a, Type: tf.Float32, Shape: shape, Data: tf.Float32Bytes(a)},
			{To: m.endpoints.b, Type: tf.Float32, Shape: shape, Data: tf.Float32Bytes(b)},
		},
		[]tf.Fetch{{
			From:  m.endpoints.similarity,
			Type:  tf.Float32,
			Shape: []int64{count},
			Into:  tf.Float32Bytes(similarities),
		}})
}

// Close waits for the calls in flight and gives the model's memory back. Later
// calls fail. Closing twice is harmless.
func (m *Model) Close() error {
	err := m.session.Close()
	tf.TrimMemory()
	return err
}

// loadOn is Load; AutoPrecision goes by what read says of the processor.
func loadOn(ctx context.Context, dir string, options Options, read func(Options) (processor, error)) (*Model, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	model, err := loadHeld(ctx, dir, options, read)
	return model, refused(ctx, dir, err)
}

func loadHeld(ctx context.Context, dir string, options Options, read func(Options) (processor, error)) (_ *Model, err error) {
	held, release, err := options.Trust.hold(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	from, err := checkedFolder(ctx, held)
	if err != nil {
		return nil, err
	}
	return from.load(ctx, options, read)
}

// load opens the folder in the precision that is asked for and checks its golden
// pairs.
func (f folder) load(ctx context.Context, options Options, read func(Options) (processor, error)) (*Model, error) {
	if options.Precision != AutoPrecision {
		return f.openChecked(ctx, options, options.Precision.tolerance())
	}
	found, err := read(options)
	if err != nil {
		return nil, err
	}
	precisions, missing := found.candidates()
	return openFirst(ctx, precisions, missing, func(precision Precision) (*Model, error) {
		options.Precision = precision
		return f.openChecked(ctx, options, GoldenTolerance)
	})
}

// folder is a SavedModel folder with its card.
type folder struct {
	dir  string
	card Card
}

// checkedFolder reads a SavedModel folder's card and checks its files' hashes.
func checkedFolder(ctx context.Context, dir string) (folder, error) {
	card, err := readCard(dir)
	if err != nil {
		return folder{}, err
	}
	return folder{dir, card}, checkFiles(ctx, dir, card)
}

// openChecked opens the folder and checks its golden pairs to a tolerance.
func (f folder) openChecked(ctx context.Context, options Options, tolerance float64) (*Model, error) {
	model, err := f.open(options)
	if err != nil {
		return nil, err
	}
	if err := model.checkGoldenPairs(ctx, f.extra(), tolerance); err != nil {
		_ = model.Close() // the first error is the one to report
		return nil, err
	}
	tf.TrimMemory()
	return model, nil
}

// extra holds what is beside the card.
func (f folder) extra() fs.FS {
	return regular.DirFS(filepath.Join(f.dir, extraFolder), maxPictureBytes)
}

// open opens the folder without checking hashes or golden pairs.
func (f folder) open(options Options) (*Model, error) {
	session, signatures, err := f.loadSession(options)
	if err != nil {
		return nil, err
	}
	model, err := newModel(session, f.card, options)
	if err != nil {
		_ = session.Close() // the first error is the one to report
		return nil, err
	}
	model.version = filepath.Base(f.dir)
	model.signatures = knownSignatures(signatures)
	model.endpoints, err = findEndpoints(session, signatures, f.card.Architecture)
	if err != nil {
		_ = session.Close()
		return nil, err
	}
	if err := model.inspect(f, options.Trust); err != nil {
		_ = session.Close()
		return nil, err
	}
	return model, nil
}

// loadSession loads the folder's graph in the precision of the options. TensorFlow is
// given a copy of what was checked, since the folder's own may change.
func (f folder) loadSession(options Options) (*tf.Session, map[string]binding.Signature, error) {
	config, err := options.config()
	if err != nil {
		return nil, nil, err
	}
	rounds, err := options.roundsGraph()
	if err != nil {
		return nil, nil, err
	}
	if err := f.checkVariables(); err != nil {
		return nil, nil, err
	}
	options.Precision.allowTensorFloat32()
	if options.Trust.AllowAnyOp && !rounds {
		return tf.Load(f.dir, config)
	}
	graph, err := f.graph(options.Trust)
	if err != nil {
		return nil, nil, err
	}
	if rounds {
		if err := roundModel(graph); err != nil {
			return nil, nil, err
		}
	}
	private, err := f.private(graph)
	if nowhere(err) && !rounds {
		return tf.Load(f.dir, config)
	}
	if err != nil {
		return nil, nil, err
	}
	session, signatures, err := tf.Load(private.Path(), config)
	if removeErr := private.Remove(); err == nil && removeErr != nil {
		return nil, nil, errors.Join(removeErr, session.Close())
	}
	return session, signatures, err
}

// newModel makes a model of a session; its endpoints are not set.
func newModel(session *tf.Session, card Card, options Options) (*Model, error) {
	device, err := options.chosenDevice(session)
	if err != nil {
		return nil, err
	}
	model := &Model{
		session: session, card: card, device: device,
		precision: options.Precision.session(), maxRunImages: options.runImages(device),
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
		return "", fmt.Errorf("there is no such folder ('siamese models' lists the models that are built in)")
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

// checkedTensor looks up a tensor of a signature and compares it with what the
// network must have: TensorFlow enforces neither names nor shapes.
func checkedTensor(signature string, tensors map[string]binding.TensorInfo, name string, dataType binding.DataType, shape ...int64) (string, error) {
	info, ok := tensors[name]
	if !ok {
		return "", fmt.Errorf("signature %q has no tensor %q", signature, name)
	}
	got, err := info.Shape.ToSlice()
	if err != nil {
		got = nil
	}
	if info.DType != dataType || !slices.Equal(got, shape) {
		return "", fmt.Errorf("signature %q: %q is of type %d and shape %v, want type %d and shape %v",
			signature, name, info.DType, got, dataType, shape)
	}
	return info.Name, nil
}

// endpoints are the tensors that Encode and Compare feed and fetch.
type endpoints struct {
	images, embeddings tf.Output
	a, b, similarity   tf.Output
}

// findEndpoints reads the signatures of a loaded model.
func findEndpoints(session *tf.Session, signatures map[string]binding.Signature, architecture Architecture) (endpoints, error) {
	height, width := int64(architecture.Height), int64(architecture.Width)
	length := int64(architecture.EmbeddingLength())
	encode, compare := signatures[encodeSignature], signatures[compareSignature]
	var found endpoints
	wanted := []struct {
		into      *tf.Output
		signature string
		tensors   map[string]binding.TensorInfo
		name      string
		dataType  binding.DataType
		shape     []int64
	}{
		{&found.images, encodeSignature, encode.Inputs, imagesInput, binding.Uint8, []int64{-1, height, width, 3}},
		{&found.embeddings, encodeSignature, encode.Outputs, embeddingsOutput, binding.Float, []int64{-1, length}},
		{&found.a, compareSignature, compare.Inputs, aInput, binding.Float, []int64{-1, length}},
		{&found.b, compareSignature, compare.Inputs, bInput, binding.Float, []int64{-1, length}},
		{&found.similarity, compareSignature, compare.Outputs, similarityOutput, binding.Float, []int64{-1}},
	}
	for _, want := range wanted {
		name, err := checkedTensor(want.signature, want.tensors, want.name, want.dataType, want.shape...)
		if err != nil {
			return endpoints{}, err
		}
		output, err := session.Output(name)
		if err != nil {
			return endpoints{}, fmt.Errorf("signature %q: %w", want.signature, err)
		}
		*want.into = output
	}
	return found, nil
}
