package embedded

import (
	"context"
	"fmt"
	"hash/maphash"

	"siamese/gallery/index"
	"siamese/gallery/internal/record"
)

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
		return fmt.Errorf("%w: entry %d: %w", errRecords, item.number, err)
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
