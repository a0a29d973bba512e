package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"siamese"
	"siamese/bench"
	"siamese/bench/galleries"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/tfmodel"
)

type galleryCommand struct {
	output
	modelFlags
	galleryFlags
}

// galleryFlags say what of galleries is measured.
type galleryFlags struct {
	Entries  int      `help:"Sets how many entries the gallery has. Bars are of 100000 and of 1000000." default:"100000"`
	Queries  int      `help:"Sets how many searches are timed." default:"300"`
	Judged   int      `help:"Sets of how many searches the recall is told." default:"200"`
	Parts    []string `help:"Chooses what is measured: open, search (in process), recall, memory, serve (search over gRPC), enrol, load (16 clients beside an enrolment)." default:"open,search,recall,memory,serve,enrol,load" placeholder:"PART"`
	Pictures string   `help:"Makes entries of the embeddings of this folder's pictures, with all that is below it, and enrolls them. Empty: entries of testdata/omniglot or testdata/photos, and JPEGs of 640×480 that are made." placeholder:"DIR"`
	Enrolled int      `help:"Sets how many pictures are enrolled." default:"160"`
	Seconds  float64  `help:"Sets for how many seconds 16 clients search, alone and beside an enrolment." default:"8"`
	Seed     uint64   `help:"Sets what entries and queries are made by." default:"1"`
	Postgres string   `help:"Measures galleries in the database of this URL, too, with names that begin with siamese-bench-, which are removed. Empty: files alone." placeholder:"URL"`
	Dir      string   `help:"Names the folder for the galleries' files, which are removed. Empty: the system's for temporary files." placeholder:"DIR"`
}

// Run measures galleries alone.
func (c *galleryCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.measure(ctx, c.modelFlags, s)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// measure measures galleries of the built-in model that is named, else of all of these.
func (f galleryFlags) measure(ctx context.Context, flags modelFlags, s cli.Streams) (rows []bench.Row, err error) {
	if f.Postgres != "" && !strings.HasPrefix(f.Postgres, "postgres://") && !strings.HasPrefix(f.Postgres, "postgresql://") {
		return nil, cli.Usage(fmt.Errorf("--postgres %q: expected a URL postgres://…, by which a server knows a database", f.Postgres))
	}
	var models []string
	for _, built := range network.BuiltIn() {
		if flags.Model == "" || flags.Model == built.Name {
			models = append(models, built.Name)
		}
	}
	if models == nil {
		fmt.Fprintf(s.Err, "bench: no galleries: received the model %s, expected a built-in one, whose galleries a server opens by its name\n", flags.Model)
	}
	for _, name := range models {
		flags.Model = name
		measured, err := f.model(ctx, flags, s)
		if err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// model measures galleries of one model in each store.
func (f galleryFlags) model(ctx context.Context, flags modelFlags, s cli.Streams) (rows []bench.Row, err error) {
	model, err := siamese.Open(ctx, flags.Model, siamese.Options{
		Run: flags.Options(network.Warnings()), Cache: flags.Cache, Log: network.Warnings(), Rule: flags.Rule(), Alpha: flags.Transparency(),
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	dir, err := os.MkdirTemp(f.Dir, "siamese-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g, err := f.gallery(ctx, flags, model, s)
	if err != nil {
		return nil, err
	}
	stores := []galleries.Store{galleries.Embedded(dir)}
	if f.Postgres != "" {
		stores = append(stores, galleries.Postgres(f.Postgres))
	}
	for _, store := range stores {
		g.Store = store
		measured, err := g.Run(ctx)
		// Also those of a run that was interrupted.
		if err := errors.Join(err, g.Remove(context.WithoutCancel(ctx))); err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// gallery is what is measured but for the store.
func (f galleryFlags) gallery(ctx context.Context, flags modelFlags, model *siamese.Model, s cli.Streams) (g galleries.Gallery, err error) {
	g = galleries.Gallery{
		Model:   galleries.Model{Name: flags.Model, Digest: model.Digest(), Head: model.Head(), Of: f.folder(model.Name())},
		Entries: f.Entries, Queries: f.Queries, Judged: f.Judged, Seed: f.Seed, Parts: f.Parts, Seconds: f.Seconds, Progress: s.Err,
	}
	if g.Metric, err = model.Metric(); err != nil {
		return g, fmt.Errorf("%s: %w: expected a model that tells one", flags.Model, err)
	}
	if g.Exact, err = exactHead(ctx, flags); err != nil {
		fmt.Fprintf(s.Err, "bench: all entries are scored by the network's own head, which takes seconds a search: %v\n", err)
	}
	var usable []string
	if g.Embeddings, usable, err = embed(ctx, model, g.Of); err != nil {
		return g, err
	}
	if g.Pictures, err = f.pictures(usable); err != nil {
		return g, err
	}
	g.Command = func(galleries string) ([]string, error) {
		return flags.server("--cache-bytes=0", "--galleries="+galleries)
	}
	return g, nil
}

// folder is that of the pictures whose embeddings entries are made of.
func (f galleryFlags) folder(model string) string {
	switch {
	case f.Pictures != "":
		return f.Pictures
	case strings.Contains(model, "omniglot"):
		return filepath.Join("testdata", "omniglot")
	}
	return filepath.Join("testdata", "photos")
}

// mostEmbedded is how many pictures of a folder entries are made of at most.
const mostEmbedded = 1000

// embed encodes the pictures of a folder, with all that is below it, and names them.
func embed(ctx context.Context, model *siamese.Model, dir string) (embeddings [][]float32, paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return nil
		case len(paths) == mostEmbedded:
			return fs.SkipAll
		}
		made, err := model.Embed(ctx, siamese.File(path))
		if err == nil { // else it is no picture
			embeddings, paths = append(embeddings, made...), append(paths, path)
		}
		return ctx.Err()
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = cli.Usage(fmt.Errorf("pictures: %w (testdata is found from the repository's root)", err))
	}
	return embeddings, paths, err
}

// pictures are those that are enrolled, of the usable ones where a folder is named.
func (f galleryFlags) pictures(usable []string) ([][]byte, error) {
	if f.Pictures == "" {
		return bench.Scenes(f.Enrolled)
	}
	var pictures [][]byte
	for _, path := range usable[:min(len(usable), f.Enrolled)] {
		picture, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, picture)
	}
	return pictures, nil
}

// exactHead is the model's head in Go.
func exactHead(ctx context.Context, flags modelFlags) (*galleries.DistanceHead, error) {
	source, err := tfmodel.ReadSource(ctx, flags.Model, tfmodel.Trust{Digests: flags.ModelDigest, AllowAnyOp: flags.AllowAnyOp})
	if err != nil {
		return nil, err
	}
	var layers [4][]float32
	for i, name := range []string{"dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"} {
		tensor, ok := source.Weights.Get(name)
		if !ok {
			return nil, fmt.Errorf("weights without %q", name)
		}
		layers[i] = tensor.Data
	}
	if len(layers[3]) != 1 {
		return nil, fmt.Errorf("received a head with %d outputs, expected one", len(layers[3]))
	}
	return galleries.NewDistanceHead(layers[0], layers[1], layers[2], layers[3][0])
}
