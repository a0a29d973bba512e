package embedded

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"siamese/gallery"
	"siamese/gallery/index"
	"siamese/gallery/internal/record"
)

// build is an index that is being built. It goes on where the call that began it ends:
// the next one needs it, too.
type build struct {
	done chan struct{}
	err  error // there when done is closed
}

// ready waits until there is an index of this metric.
func (f *file) ready(ctx context.Context, metric *gallery.Metric) error {
	for {
		f.mu.RLock()
		ready := f.live != nil && f.live.isOf(metric)
		f.mu.RUnlock()
		if ready {
			return nil
		}
		b := f.startBuild(metric)
		select {
		case <-b.done:
			if b.err != nil {
				return b.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startBuild returns the build that is under way, which may be of another metric, and
// begins one where there is none.
func (f *file) startBuild(metric *gallery.Metric) *build {
	f.building.Lock()
	defer f.building.Unlock()
	if f.build != nil {
		return f.build
	}
	b := &build{done: make(chan struct{})}
	f.build = b
	f.builds.Go(func() {
		b.err = f.rebuild(metric)
		f.building.Lock()
		defer f.building.Unlock()
		f.build = nil
		close(b.done)
	})
	return b
}

// rebuild builds the index of a metric from what is in the file.
func (f *file) rebuild(metric *gallery.Metric) error {
	if err := f.startWriting(f.stopped); err != nil {
		return gallery.ErrClosed
	}
	defer f.endWriting()
	if err := checkMetric(metric, f.describe()); err != nil {
		return err
	}
	f.mu.Lock()
	f.live = nil // its memory is needed
	f.mu.Unlock()
	start := time.Now()
	l, err := f.read(metric)
	if err != nil {
		return f.failed(err)
	}
	f.mu.Lock()
	f.live = l
	f.mu.Unlock()
	f.log.Info("gallery indexed", "gallery", f.name, "entries", l.index.Len(), "index_bytes", l.index.Bytes(), "index_ms", time.Since(start).Milliseconds())
	if l.index.Bytes() > manyIndexBytes {
		debug.FreeOSMemory()
	}
	if l.skipped > 0 {
		f.log.Warn("entries can't be found: their embeddings are none of the model", "gallery", f.name, "entries", l.skipped, "expected_numbers", len(metric.Weights()))
	}
	return nil
}

// manyIndexBytes is from which size of an index on what building it leaves behind, as much
// again, goes back to the operating system at once.
const manyIndexBytes = 64 << 20

func checkMetric(metric *gallery.Metric, info gallery.Info) error {
	switch {
	case metric == nil:
		return errors.New("received no metric, expected that of the gallery's model")
	case metric.ModelDigest() != info.ModelDigest:
		return fmt.Errorf("received a metric of model %q, expected %q", metric.ModelDigest(), info.ModelDigest)
	case len(metric.Weights()) != info.EmbeddingLength:
		return fmt.Errorf("received a metric of %d weights, expected %d", len(metric.Weights()), info.EmbeddingLength)
	}
	return nil
}

// chunkEntries is how many records one goroutine is sent at a time.
const chunkEntries = 256

// fillerEntries is from how many entries on another goroutine fills the index. Each fills
// segments of its own, and searches take longer the more of them there are.
const fillerEntries = 4096

// item is a record in the file, while the transaction is under way.
type item struct {
	number uint64
	value  []byte
}

// reading is the reading of all entries by several goroutines.
type reading struct {
	live  *live
	mu    sync.Mutex // guards live but for its index, and sum
	sum   uint64     // of the entries' ids and numbers, in any order
	items chan []item
}

// read returns the index of all entries of the file.
func (f *file) read(metric *gallery.Metric) (*live, error) {
	r := &reading{live: newLive(metric)}
	err := f.view(func(tx *bolt.Tx) error {
		defer f.trim(tx)
		entries, want, err := sumOfIDs(tx)
		if err != nil {
			return err
		}
		fillers := min(runtime.GOMAXPROCS(0), 1+entries/fillerEntries)
		r.items = make(chan []item, fillers)
		group, ctx := errgroup.WithContext(f.stopped)
		for range fillers {
			group.Go(func() error { return contain(func() error { return r.fill(ctx) }) })
		}
		// Nobody may read from the file when the transaction has ended.
		err = contain(func() error { return f.send(ctx, tx, r.items) })
		close(r.items)
		if decodeErr := group.Wait(); decodeErr != nil {
			return decodeErr
		}
		if err == nil && r.sum != want {
			return errors.New("the ids are not those of the entries")
		}
		return err
	})
	return r.live, err
}

// sumOfIDs returns how many entries there are, and what the sum of all has to be.
func sumOfIDs(tx *bolt.Tx) (entries int, sum uint64, err error) {
	var buffer []byte
	err = tx.Bucket(bucketIDs).ForEach(func(id, sealed []byte) error {
		at, err := unsealPlace(id, sealed)
		if err != nil {
			return err
		}
		buffer = append(append(buffer[:0], id...), numberKey(at.number)...)
		sum += maphash.Bytes(seed, buffer)
		entries++
		return nil
	})
	return entries, sum, err
}

// send sends all records, some at a time.
func (f *file) send(ctx context.Context, tx *bolt.Tx, to chan<- []item) error {
	var chunk []item
	var size int64
	flush := func() error {
		f.touched(tx, size)
		select {
		case to <- chunk:
			chunk, size = nil, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := tx.Bucket(bucketRecords).ForEach(func(key, value []byte) error {
		number, err := numberOfKey(key)
		if err != nil {
			return err
		}
		chunk = append(chunk, item{number, value})
		size += int64(len(value))
		if len(chunk) < chunkEntries {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// filler is what one goroutine needs to add records to the index.
type filler struct {
	reading *reading
	index   *index.Filler
	digest  string // of the model

	// What is used again: memory for embeddings and hashes, and what the last records
	// come to.
	buffer     record.Buffer
	id, hashes []byte
	placed     []placed
	skipped    int
	sum        uint64
}

// placed is an entry that is in the index.
type placed struct {
	number uint64
	slot   uint32
	pairs  pairs
}

// fill adds the records that are sent to the index.
func (r *reading) fill(ctx context.Context) error {
	f := &filler{reading: r, index: r.live.index.Filler(), digest: r.live.metric.ModelDigest()}
	defer f.index.Close()
	for items := range r.items {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, item := range items {
			if err := f.add(item); err != nil {
				return err
			}
		}
		f.register()
	}
	return nil
}

// add adds a record to the index, unless it is of another model.
func (f *filler) add(item item) error {
	parsed, err := record.Parse(item.value)
	if err != nil {
		return fmt.Errorf("entry %d: %w", item.number, err)
	}
	f.id = append(append(f.id[:0], parsed.ID...), numberKey(item.number)...)
	f.sum += maphash.Bytes(seed, f.id)
	if !parsed.IsOfModel(f.digest) {
		return nil
	}
	embedding, err := parsed.EmbeddingIn(&f.buffer)
	if err != nil {
		return fmt.Errorf("entry %q: %w", parsed.ID, err)
	}
	slot, err := f.index.Add(embedding)
	if err != nil { // of another length than the model's
		f.skipped++
		return nil
	}
	f.hashes = f.hashes[:0]
	for key, value := range parsed.Metadata() {
		f.hashes = appendPair(f.hashes, key, value)
	}
	f.placed = append(f.placed, placed{item.number, slot, pairs(f.hashes)})
	return nil
}

// register notes what was added since the last time.
func (f *filler) register() {
	r := f.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum += f.sum
	r.live.skipped += f.skipped
	for _, p := range f.placed {
		r.live.register(p)
	}
	f.placed, f.skipped, f.sum = f.placed[:0], 0, 0
}
