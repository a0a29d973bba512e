package gallery

// Figures is what a store can tell at little cost: it opens no gallery for it.
type Figures struct {
	// Galleries is how many there are, of which Open are open.
	Galleries, Open int
	// Count is what the open ones have together, and Largest how many entries the
	// largest of them has.
	Count   Count
	Largest int
	// IndexBytes is what finds their entries, in bytes of memory.
	IndexBytes int64
}

// Add adds an open gallery.
func (f *Figures) Add(c Count, indexBytes int64) {
	f.Open++
	f.Count.Entries += c.Entries
	f.Count.Stale += c.Stale
	f.Largest = max(f.Largest, c.Entries)
	f.IndexBytes += indexBytes
}
