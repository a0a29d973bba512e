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
	l, err := f.read(metric, nil)
	if errors.Is(err, errRecords) {
		l, err = f.readOthers(metric)
	}
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

// readOthers is read without the records that are damaged.
func (f *file) readOthers(metric *gallery.Metric) (*live, error) {
	var found map[uint64]damage
	err := f.view(func(tx *bolt.Tx) (err error) {
		defer f.trim(tx)
		found, err = damages(f.stopped, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.tell(found)
	return f.read(metric, found)
}

// read returns the index of the entries of the file, but for some that are damaged.
// [errRecords] says that there are others.
func (f *file) read(metric *gallery.Metric, without map[uint64]damage) (*live, error) {
	r := &reading{live: newLive(metric)}
	err := f.view(func(tx *bolt.Tx) error {
		defer f.trim(tx)
		entries, want, err := sumOfIDs(tx, without)
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
		err = contain(func() error { return f.send(ctx, tx, without, r.items) })
		close(r.items)
		if decodeErr := group.Wait(); decodeErr != nil {
			return decodeErr
		}
		if err == nil && r.sum != want {
			return fmt.Errorf("%w: the ids are not those of the entries", errRecords)
		}
		return err
	})
	return r.live, err
}

// sumOfIDs returns how many entries there are, but for some, and what the sum of all those
// has to be.
func sumOfIDs(tx *bolt.Tx, without map[uint64]damage) (entries int, sum uint64, err error) {
	var buffer []byte
	err = tx.Bucket(bucketIDs).ForEach(func(id, sealed []byte) error {
		at, err := unsealPlace(id, sealed)
		if err != nil {
			return err
		}
		if _, ok := without[at.number]; ok {
			return nil
		}
		buffer = append(append(buffer[:0], id...), numberKey(at.number)...)
		sum += maphash.Bytes(seed, buffer)
		entries++
		return nil
	})
	return entries, sum, err
}

// send sends the records, some at a time.
func (f *file) send(ctx context.Context, tx *bolt.Tx, without map[uint64]damage, to chan<- []item) error {
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
		if _, ok := without[number]; ok {
			return nil
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
