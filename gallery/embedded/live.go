package embedded

import (
	"hash/maphash"
	"slices"
	"strings"

	"siamese/gallery"
	"siamese/gallery/index"
)

// live is what is in memory of a gallery that is searched: the embeddings of its model,
// and what leads from them to the entries in the file. It is guarded by file.mu.
type live struct {
	metric *gallery.Metric
	index  *index.Index

	// By the index's slots: the entry's number, and its metadata.
	numbers []uint64
	pairs   []pairs
	slots   map[uint64]uint32 // of the numbers
	skipped int               // entries of the model whose embeddings can't be its

	recent [1024]pairs // so that entries with the same metadata share it
}

func newLive(metric *gallery.Metric) *live {
	return &live{metric: metric, index: index.New(metric), slots: make(map[uint64]uint32)}
}

// isOf reports whether the index is of this metric.
func (l *live) isOf(metric *gallery.Metric) bool {
	return l.metric == metric ||
		l.metric.ModelDigest() == metric.ModelDigest() && slices.Equal(l.metric.Weights(), metric.Weights())
}

// add adds an entry, unless it is of another model.
func (l *live) add(a *added) {
	if a.digest != l.metric.ModelDigest() {
		return
	}
	slot, err := l.index.Add(a.embedding)
	if err != nil { // of another length than the model's
		l.skipped++
		return
	}
	l.register(placed{a.number, slot, a.pairs})
}

// register notes which entry is at a slot of the index.
func (l *live) register(p placed) {
	if missing := int(p.slot) + 1 - len(l.numbers); missing > 0 {
		l.numbers = append(l.numbers, make([]uint64, missing)...)
		l.pairs = append(l.pairs, make([]pairs, missing)...)
	}
	l.numbers[p.slot], l.pairs[p.slot] = p.number, l.shared(p.pairs)
	l.slots[p.number] = p.slot
}

func (l *live) remove(number uint64) {
	if slot, ok := l.slots[number]; ok {
		l.index.Remove(slot)
		delete(l.slots, number)
		l.numbers[slot], l.pairs[slot] = 0, ""
	}
}

// shared returns pairs that are equal, of an entry before where there was one lately.
func (l *live) shared(p pairs) pairs {
	if p == "" {
		return ""
	}
	at := &l.recent[maphash.String(seed, string(p))%uint64(len(l.recent))]
	if *at != p {
		*at = pairs(strings.Clone(string(p)))
	}
	return *at
}

// follow has the index follow what a transaction has changed. The caller holds writing.
func (f *file) follow(changed changes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return
	}
	for _, number := range changed.removed {
		f.live.remove(number)
	}
	removed := make(map[uint64]bool, len(changed.removed))
	for _, number := range changed.removed {
		removed[number] = true
	}
	for i := range changed.added {
		if removed[changed.added[i].number] { // by the same transaction
			continue
		}
		f.live.add(&changed.added[i])
	}
}

// found is an entry that the index found.
type found struct {
	number   uint64
	distance float32
}

// nearest returns the entries that are nearest, nearest first, without some; more than
// the filter selects, where the hashes of other pairs are the same.
func (l *live) nearest(query *gallery.Query, without map[uint64]bool) []found {
	var keep func(slot uint32) bool
	if len(query.Filter) > 0 {
		want := pairsOf(query.Filter)
		keep = func(slot uint32) bool { return l.pairs[slot].haveAll(want) && !without[l.numbers[slot]] }
	}
	hits := l.index.Nearest(query.Embedding, query.Limit, keep)
	all := make([]found, len(hits))
	for i, hit := range hits {
		all[i] = found{number: l.numbers[hit.Slot], distance: hit.Distance}
	}
	return all
}

// pairs are an entry's metadata as it is in memory: a hash of 4 bytes of each key with
// its value. Filters are asked of it, and what they leave in is looked at in the file.
type pairs string

const pairBytes = 4

var seed = maphash.MakeSeed()

func pairsOf(metadata map[string]string) pairs {
	if len(metadata) == 0 {
		return ""
	}
	b := make([]byte, 0, pairBytes*len(metadata))
	for key, value := range metadata {
		b = appendPair(b, key, value)
	}
	return pairs(b)
}

func appendPair[T string | []byte](b []byte, key, value T) []byte {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.Write([]byte(key)) // never fails
	_ = h.WriteByte(0)
	_, _ = h.Write([]byte(value))
	sum := h.Sum64()
	return append(b, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

// haveAll reports whether all of want are among p.
func (p pairs) haveAll(want pairs) bool {
	for i := 0; i < len(want); i += pairBytes {
		has := false
		for j := 0; j < len(p) && !has; j += pairBytes {
			has = p[j:j+pairBytes] == want[i:i+pairBytes]
		}
		if !has {
			return false
		}
	}
	return true
}
