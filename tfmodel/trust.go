package tfmodel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing/fstest"

	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/internal/regular"
	"siamese/internal/scratch"
	"siamese/tfmodel/internal/allow"
	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// Trust says which models may be opened. A model is a program: the graph of a
// SavedModel runs in this process. The zero value opens any model whose graph has
// nothing but the operations that this network needs.
type Trust struct {
	// Digests are those of the models that may be opened: "sha256:" and 64 lower-case
	// hexadecimal digits, as Source.Digest gives them. They are held against the
	// content before anything of it is used, and what is used is what was hashed: a
	// weight file is read once, a folder is copied to a place that no other user
	// can reach. Default nil: any model.
	Digests []string
	// AllowAnyOp has graphs run as they are, whatever their operations do: read and
	// write files, say. Default false: see ErrModel.
	AllowAnyOp bool
}

// digestPrefix begins a model's digest.
const digestPrefix = "sha256:"

// validate returns an error that names the first digest that is none.
func (t Trust) validate() error {
	for _, digest := range t.Digests {
		digits, ok := strings.CutPrefix(digest, digestPrefix)
		sum, err := hex.DecodeString(digits)
		if !ok || err != nil || len(sum) != sha256.Size || strings.ToLower(digits) != digits {
			return fmt.Errorf("model digest %.100q, want %s and 64 lower-case hexadecimal digits", digest, digestPrefix)
		}
	}
	return nil
}

// check holds a model's digest against those that may be opened.
func (t Trust) check(digest string) error {
	if len(t.Digests) == 0 || slices.Contains(t.Digests, digest) {
		return nil
	}
	return fmt.Errorf("its digest is %s, want %s", digest, strings.Join(t.Digests, " or "))
}

// modelDigest is the digest of a model by the SHA-256 of each of its files: that of
// the file where it has one, else that of the list of all that sha256sum prints,
// sorted by the names' bytes.
func modelDigest(files map[string]string) string {
	if len(files) == 1 {
		for _, sum := range files {
			return digestPrefix + sum
		}
	}
	list := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(list, "%s  %s\n", files[name], name)
	}
	return digestPrefix + hex.EncodeToString(list.Sum(nil))
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// digest is that of a folder whose files were held against its card.
func (f folder) digest(ctx context.Context) (string, error) {
	card, err := regular.SHA256(ctx, filepath.Join(f.dir, cardFile), maxCardBytes)
	if err != nil {
		return "", err
	}
	files := maps.Clone(f.card.Files)
	files[cardFile] = card
	return modelDigest(files), nil
}

// hold finds a SavedModel folder as Load does. Where digests are pinned it gives a
// copy of it that has one of them, in a folder that no other user can reach; release
// removes that.
func (t Trust) hold(ctx context.Context, dir string) (held string, release func() error, err error) {
	dir, err = versionFolder(dir)
	if err != nil || len(t.Digests) == 0 {
		return dir, func() error { return nil }, err
	}
	names, err := listFiles(dir)
	if err != nil {
		return "", nil, err
	}
	private, err := scratch.New("", scratchPrefix)
	if err != nil {
		return "", nil, fmt.Errorf("a model of a pinned digest is copied before it is loaded: %w", err)
	}
	held = filepath.Join(private.Path(), filepath.Base(dir)) // its name is the version
	files := make(map[string]string)
	for _, name := range append(names, cardFile) {
		if files[name], err = copyFile(ctx, filepath.Join(held, name), filepath.Join(dir, name)); err != nil {
			return "", nil, errors.Join(err, private.Remove())
		}
	}
	if err := t.check(modelDigest(files)); err != nil {
		return "", nil, errors.Join(err, private.Remove())
	}
	return held, private.Remove, nil
}

// copyFile copies a regular file to a new one, whose folders it makes, and returns the
// SHA-256 of what it wrote. A name that sha256sum would write otherwise is refused.
func copyFile(ctx context.Context, to, from string) (sum string, err error) {
	if strings.ContainsAny(from, "\\\n\r") {
		return "", fmt.Errorf("file %q: want no line break and no backslash in its name", from)
	}
	file, err := regular.Open(from, maxModelFileBytes)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	hash := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		const step = 8 << 20
		n, err := io.CopyN(io.MultiWriter(target, hash), file, step)
		if n < step && errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("copy %q: %w", from, err)
		}
	}
}

// graph reads the folder's graph and holds it against what this network needs.
func (f folder) graph(trust Trust) (*corepb.SavedModel, error) {
	content, err := regular.Read(filepath.Join(f.dir, graphFile), maxModelFileBytes)
	if err != nil {
		return nil, err
	}
	var model *corepb.SavedModel
	if trust.AllowAnyOp {
		model = &corepb.SavedModel{}
		err = proto.Unmarshal(content, model)
	} else {
		var fetched []string
		for _, variable := range f.card.Architecture.Variables() {
			fetched = append(fetched, readName(variable))
		}
		model, err = allow.Graph(content, fetched...)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", graphFile, err)
	}
	return model, nil
}

// The bounds of a SavedModel's variables.
const (
	// maxIndexBytes bounds the index: the network's has 1.3 kB.
	maxIndexBytes = 1 << 20
	// valueBytes are what a parameter may take: a float32, and two more that an
	// optimizer keeps.
	valueBytes = 3 * 4
	// leastBytes are what a parameter takes at least: half a float32. Memory is taken by
	// what the card says, so that it must not say more than there is.
	leastBytes = 2
	// spareBytes are for what else Keras keeps.
	spareBytes = 1 << 20
)

// checkVariables holds the sizes of the files that TensorFlow reads the variables from
// against those that the card's network needs.
func (f folder) checkVariables() error {
	entries, err := os.ReadDir(filepath.Join(f.dir, filepath.Dir(variablesFile)))
	if err != nil {
		return err
	}
	most := valueBytes*int64(f.card.Parameters) + spareBytes
	left := most
	for _, entry := range entries {
		limit := left
		if strings.HasSuffix(entry.Name(), ".index") {
			limit = maxIndexBytes
		}
		file, err := regular.Open(filepath.Join(f.dir, filepath.Dir(variablesFile), entry.Name()), limit)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		left -= info.Size()
	}
	if have, want := most-left, leastBytes*int64(f.card.Parameters); have < want {
		return fmt.Errorf("its variables take %d bytes, want at least %d for the %d parameters of its card", have, want, f.card.Parameters)
	}
	return nil
}

// private makes a SavedModel folder that no other user can reach of a graph and the
// folder's variables, which are linked to. The caller removes it once it is loaded.
func (f folder) private(model *corepb.SavedModel) (*scratch.Folder, error) {
	content, err := proto.Marshal(model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", graphFile, err)
	}
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return nil, err
	}
	made, err := scratch.New("", scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("the checked graph needs a temporary folder: %w", err)
	}
	variables := filepath.Dir(variablesFile)
	err = errors.Join(
		os.WriteFile(filepath.Join(made.Path(), graphFile), content, 0o600),
		os.Symlink(filepath.Join(dir, variables), filepath.Join(made.Path(), variables)))
	if err != nil {
		return nil, errors.Join(err, made.Remove())
	}
	return made, nil
}

// inspect reads the variables back as they are in the session: they must be finite, and
// say what an embedding's values are at most. Of a graph that another program made, whose
// variables have other names, those are read that the graph itself reads.
func (m *Model) inspect(f folder, trust Trust) (err error) {
	head := headReader{architecture: m.card.Architecture}
	if _, err := m.session.Operation(readName(m.card.Architecture.Variables()[0])); err == nil {
		m.embeddingMax, err = m.card.Architecture.embeddingMax(func(variable Variable) ([]float32, error) {
			values, err := m.readFinite(variable)
			head.take(variable, values)
			return values, err
		})
		m.metricWeights = head.metricWeights(true)
		return err
	}
	m.embeddingMax = m.card.EmbeddingMax
	model, err := f.graph(trust)
	if err != nil {
		return err
	}
	for _, variable := range graphVariables(model) {
		left := m.card.Parameters
		for _, size := range variable.Shape {
			if size < 1 || size > left {
				return fmt.Errorf("variable %q has shape %v, want one of at most the network's %d values", variable.Name, variable.Shape, m.card.Parameters)
			}
			left /= size
		}
		values, err := m.readFinite(variable)
		// TensorFlow 2 keeps handles of variables that it made while the graph was built
		// and that nothing restores.
		if failed, ok := errors.AsType[*tf.Error](err); ok && failed.Code == notInitialised {
			continue
		}
		if err != nil {
			return err
		}
		head.take(variable, values)
	}
	m.metricWeights = head.metricWeights(false)
	return nil
}

// notInitialised is TensorFlow's code FAILED_PRECONDITION, of a variable without a value.
const notInitialised = 9

// readFinite reads a variable, whose values must be finite.
func (m *Model) readFinite(variable Variable) ([]float32, error) {
	values, err := m.readVariable(variable)
	if err != nil {
		return nil, fmt.Errorf("variable %q: %w", variable.Name, err)
	}
	set, err := weights.New(weights.Tensor{Name: variable.Name, Shape: variable.Shape, Data: values})
	if err != nil {
		return nil, err
	}
	return values, set.CheckFinite()
}

// graphVariables are the float32 variables that a graph reads, by the names of the
// operations that read them, less readSuffix.
func graphVariables(model *corepb.SavedModel) []Variable {
	var found []Variable
	for _, meta := range model.GetMetaGraphs() {
		handles := make(map[string]*nodepb.NodeDef)
		for _, node := range meta.GetGraphDef().GetNode() {
			if node.GetOp() == "VarHandleOp" && node.GetAttr()["dtype"].GetType() == typepb.DataType_DT_FLOAT {
				handles[node.GetName()] = node
			}
		}
		for _, node := range meta.GetGraphDef().GetNode() {
			name, ok := strings.CutSuffix(node.GetName(), readSuffix)
			if !ok || node.GetOp() != "ReadVariableOp" || len(node.GetInput()) == 0 {
				continue
			}
			if handle, ok := handles[producerOf(node.GetInput()[0])]; ok {
				variable := Variable{Name: name}
				for _, dim := range handle.GetAttr()["shape"].GetShape().GetDim() {
					variable.Shape = append(variable.Shape, int(dim.GetSize()))
				}
				found = append(found, variable)
			}
		}
	}
	return found
}

// nowhere reports whether an error says that a folder can't be made anywhere, as where
// all file systems are read-only.
func nowhere(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EROFS)
}

// readPictures reads the pictures of a card's golden pairs into memory, so that they stay
// what they were when they were hashed. One that is missing is left out: what needs it
// says so.
func readPictures(files fs.FS, card Card) (fstest.MapFS, error) {
	read := make(fstest.MapFS)
	for _, pair := range card.GoldenPairs {
		for _, name := range []string{pair.A, pair.B} {
			content, err := fs.ReadFile(files, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("golden picture: %w", err)
			}
			read[name] = &fstest.MapFile{Data: content, Mode: 0o444}
		}
	}
	return read, nil
}

// fileDigest is the digest of a weight file by its name and SHA-256, with the card beside
// it, if there is one, and the pictures of its golden pairs.
func fileDigest(name, sum, card string, sidecar []byte, pictures fstest.MapFS) string {
	files := map[string]string{name: sum}
	if sidecar != nil {
		files[card] = hashOf(sidecar)
	}
	for picture, file := range pictures {
		files[picture] = hashOf(file.Data)
	}
	return modelDigest(files)
}
