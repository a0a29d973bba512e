package dedupe

import (
	"context"
	"crypto/sha256"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/cmd/siamese/internal/dedupe/sidefile"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
	"siamese/imaging"
	"siamese/internal/regular"
)

// item is a file with what is known of it.
type item struct {
	*file
	sidefile.Content
	read bool // Content.Sum is known
	made *sidefile.Made
	err  error // why it can't be used
}

// foreign reports whether the model does not know such pictures.
func (it *item) foreign() bool { return it.made != nil && it.made.Foreign }

// What is read in one go: enough pictures to fill a GPU's batch. While some are
// encoded, the next are read.
const (
	atOnce      = 64
	bytesAtOnce = 128 << 20
)

// batch is items with what was read of them.
type batch struct {
	items []*item
	data  [][]byte
}

// batches divides items into those that are read in one go.
func batches(items []*item) [][]*item {
	var all [][]*item
	from, bytes := 0, int64(0)
	for i, it := range items {
		if i > from && (i-from == atOnce || bytes+it.size > bytesAtOnce) {
			all = append(all, items[from:i])
			from, bytes = i, 0
		}
		bytes += it.size
	}
	if from < len(items) {
		all = append(all, items[from:])
	}
	return all
}

// reader reads files and tells what is in them.
type reader struct {
	inspector *imaging.Preparer
	maxBytes  int64
}

func newReader(limits imaging.Limits) (*reader, error) {
	inspector, err := imaging.New(imaging.Config{Limits: limits})
	if err != nil {
		return nil, err
	}
	return &reader{inspector, int64(inspector.Config().Limits.MaxBytes)}, nil
}

// each calls work for 0 to n-1, one a core at a time, until ctx is done.
func each(ctx context.Context, n int, work func(i int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if ctx.Err() == nil {
				work(i)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// all sends items with their bytes, a batch after the other.
func (r *reader) all(ctx context.Context, items []*item, to chan<- batch) error {
	defer close(to)
	for _, some := range batches(items) {
		b := batch{items: some, data: make([][]byte, len(some))}
		err := each(ctx, len(some), func(i int) { b.data[i] = r.read(some[i]) })
		if err != nil {
			return err
		}
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// read reads a file whole.
func (r *reader) read(it *item) []byte {
	data, err := regular.Read(it.path, r.maxBytes)
	if err != nil {
		it.err = cause(err)
		return nil
	}
	it.Sum, it.read = sha256.Sum256(data), true
	if header, err := r.inspector.Inspect(data); err == nil {
		it.Width, it.Height = header.Width, header.Height
	}
	return data
}

// hash reads a file for its sum alone.
func (r *reader) hash(it *item) {
	sum, err := sumOf(it.path)
	if err != nil {
		it.err = cause(err)
		return
	}
	it.Sum, it.read = sum, true
}

// sumOf is the sum of a file's bytes.
func sumOf(path string) (sidefile.Sum, error) {
	file, err := regular.Open(path, 1<<62)
	if err != nil {
		return sidefile.Sum{}, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return sidefile.Sum{}, err
	}
	return sidefile.Sum(sum.Sum(nil)), nil
}

// encoder has pictures encoded, each content once.
type encoder struct {
	by     scorer.Scorer
	kept   *kept
	failed map[sidefile.Sum]error // contents that can't be used
	synced time.Time
	made   int // contents that were encoded
}

// syncEvery is how much work a crash may cost.
const syncEvery = 5 * time.Second

// encode takes in what was read.
func (e *encoder) encode(ctx context.Context, b batch) error {
	var pictures []scorer.Picture
	var asked []*item
	at := make(map[sidefile.Sum]bool)
	for i, it := range b.items {
		if !it.read || at[it.Sum] || e.failed[it.Sum] != nil {
			continue
		}
		if it.made = e.kept.made(it.Sum); it.made != nil {
			continue
		}
		at[it.Sum] = true
		pictures = append(pictures, scorer.Picture{Name: it.path, Data: present(b.data[i]), Thumbnail: overlap.Side})
		asked = append(asked, it)
	}
	embeddings, err := e.by.Embed(ctx, pictures)
	if err != nil {
		return err
	}
	for i, embedding := range embeddings {
		if embedding.Err != nil {
			e.failed[asked[i].Sum] = cause(embedding.Err)
			continue
		}
		made := &sidefile.Made{Vector: gallery.NewVector(embedding.Values)}
		made.Foreign = embedding.Familiarity != nil && embedding.Familiarity.Foreign
		if made.Look, err = overlap.NewLook(embedding.Thumbnail); err != nil {
			return err
		}
		e.kept.add(asked[i].Sum, made)
		e.made++
	}
	return e.keep(b.items)
}

// present is data that is not nil: an empty file was read, too.
func present(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// keep keeps what was found out, on disk every few seconds.
func (e *encoder) keep(items []*item) error {
	for _, it := range items {
		if !it.read {
			continue
		}
		it.made = e.kept.made(it.Sum)
		if it.err = e.failed[it.Sum]; it.err != nil {
			continue
		}
		if err := e.kept.keep(it); err != nil {
			return err
		}
	}
	if time.Since(e.synced) < syncEvery {
		return nil
	}
	e.synced = time.Now()
	return e.kept.sync()
}
