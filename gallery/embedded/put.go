package embedded

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// groupBytes limits the Puts that go to disk together after waiting for the one before
// them: a sync takes about as long for one as for many.
const groupBytes = 16 << 20

// maxDigestBytes is more than a model's digest has: they are keys in the file.
const maxDigestBytes = 256

// Put implements gallery.Store. An entry whose Enrolled is zero is enrolled now.
func (s *Store) Put(ctx context.Context, name string, entries []gallery.Entry) (outcomes []gallery.Outcome, err error) {
	err = s.use(ctx, name, func(f *file) error {
		outcomes, err = f.putAll(ctx, entries)
		return err
	})
	return outcomes, err
}

// prepared is an entry as it goes into the file.
type prepared struct {
	id, name, digest   string
	record             []byte
	picture, thumbnail []byte
	embedding          gallery.Vector
	pairs              pairs
}

// put is one call of Put.
type put struct {
	entries  []prepared
	bytes    int
	outcomes []gallery.Outcome
	err      error
	done     chan struct{} // closed when the two above are there
}

// queue are the puts that wait, in the order in which they came.
type queue struct {
	mu      sync.Mutex
	waiting []*put
}

func (q *queue) add(p *put) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, p)
}

// withdraw takes a put back, and reports whether it had not been taken.
func (q *queue) withdraw(p *put) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, p)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take takes those that go to disk together: the first, and those behind it that fit.
func (q *queue) take() []*put {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.waiting) && (n == 0 || size+q.waiting[n].bytes <= groupBytes) {
		size += q.waiting[n].bytes
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

func (f *file) putAll(ctx context.Context, entries []gallery.Entry) ([]gallery.Outcome, error) {
	if len(entries) == 0 {
		return nil, ctx.Err()
	}
	p := &put{entries: make([]prepared, len(entries)), done: make(chan struct{})}
	info, now := f.describe(), time.Now()
	for i := range entries {
		if err := check(&entries[i], info); err != nil {
			return nil, fmt.Errorf("gallery %q: entry %d: %w", f.name, i, err)
		}
		p.entries[i] = prepare(entries[i], now)
		p.bytes += len(p.entries[i].record) + len(p.entries[i].picture) + len(p.entries[i].thumbnail)
	}
	f.puts.add(p)
	select {
	case <-p.done:
		return p.outcomes, p.err
	case <-ctx.Done():
		if f.puts.withdraw(p) {
			return nil, ctx.Err()
		}
		<-p.done // it is on its way to disk
		return p.outcomes, p.err
	case f.writing <- struct{}{}:
	}
	defer f.endWriting()
	for {
		select {
		case <-p.done:
			return p.outcomes, p.err
		default:
			f.commit(f.puts.take())
		}
	}
}

// check returns an error that says what was expected where an entry can't be put.
func check(e *gallery.Entry, info gallery.Info) error {
	for _, err := range []error{gallery.CheckID(e.ID), gallery.CheckThing(e.Thing), gallery.CheckMetadata(e.Metadata)} {
		if err != nil {
			return err
		}
	}
	length := e.Embedding.Length()
	if e.ModelDigest == info.ModelDigest && length != info.EmbeddingLength {
		return fmt.Errorf("received an embedding of %d numbers, expected %d", length, info.EmbeddingLength)
	}
	if len(e.ModelDigest) > maxDigestBytes {
		return fmt.Errorf("received a model's digest of %d bytes, expected at most %d", len(e.ModelDigest), maxDigestBytes)
	}
	if length > record.MaxLength {
		return fmt.Errorf("received an embedding of %d numbers, expected at most %d", length, record.MaxLength)
	}
	return checkFinite(e.Embedding)
}

// checkFinite returns an error where a number is none that distances can be made of.
func checkFinite(v gallery.Vector) error {
	for i, value := range v.All() {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("received an embedding whose number %d is %v, expected a finite one", i, value)
		}
	}
	return nil
}

// prepare makes of an entry what is put, which has nothing of what the caller may change.
func prepare(e gallery.Entry, now time.Time) prepared {
	if e.Enrolled.IsZero() {
		e.Enrolled = now
	}
	return prepared{
		id: e.ID, name: e.Name(), digest: e.ModelDigest,
		record:    record.Append(nil, &e),
		picture:   copied(e.Picture),
		thumbnail: copied(e.Thumbnail),
		embedding: e.Embedding,
		pairs:     pairsOf(e.Metadata),
	}
}

// copied is a copy with room for the checksum; nil where there is nothing.
func copied(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)+checksumBytes), b...)
}

// commit puts a group into the file. Where that fails, each is tried by itself, so that
// none fails by another's fault.
func (f *file) commit(group []*put) {
	var changed changes
	err := f.change(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for _, p := range group {
			if err := w.putAll(p); err != nil {
				return err
			}
			f.touched(tx, int64(len(p.entries))*faultBytes)
		}
		changed = w.changes
		return nil
	})
	switch {
	case err == nil:
		f.follow(changed)
	case len(group) > 1:
		for _, p := range group {
			f.commit([]*put{p})
		}
		return
	default:
		group[0].outcomes, group[0].err = nil, f.failed(err)
	}
	for _, p := range group {
		close(p.done)
	}
}

// putAll puts the entries of one call.
func (w *writer) putAll(p *put) error {
	p.outcomes = make([]gallery.Outcome, len(p.entries))
	for i := range p.entries {
		e := &p.entries[i]
		old, err := w.find(e.id)
		if err != nil {
			return err
		}
		p.outcomes[i] = gallery.Added
		if old.number != 0 {
			if same, err := isSame(&old, e); err != nil {
				return err
			} else if same {
				p.outcomes[i] = gallery.Unchanged
				continue
			}
			p.outcomes[i] = gallery.Replaced
			if err := w.remove(e.id, old); err != nil {
				return err
			}
		}
		if err := w.put(e); err != nil {
			return err
		}
	}
	return nil
}

// isSame reports whether the entry that is there is the Same as one that comes.
func isSame(old *stored, e *prepared) (bool, error) {
	if old.damaged != nil {
		return false, nil
	}
	was, err := old.record.Entry(true)
	if err != nil {
		return false, err
	}
	parsed, err := record.Parse(e.record)
	if err != nil {
		return false, err
	}
	is, err := parsed.Entry(true)
	return was.Same(&is), err
}
