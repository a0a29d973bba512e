package embedded

import bolt "go.etcd.io/bbolt"

const (
	// maxMappedBytes is how much of a file is mapped at a time. The pages stay in the
	// operating system's cache, from where they are mapped again in a microsecond each.
	maxMappedBytes = 64 << 20

	// faultBytes is how much the kernel maps where one page is read.
	faultBytes = 64 << 10
)

// touched counts bytes of the file that a transaction has read, and lets go of the mapped
// pages when they may have become too many: they would count as memory of the process,
// beside the index that is made of the same entries.
func (f *file) touched(tx *bolt.Tx, bytes int64) {
	if f.mapped.Add(bytes) > maxMappedBytes {
		f.trim(tx)
	}
}

// trim lets go of the file's mapped pages. While a transaction is under way the file
// stays mapped where it is.
func (f *file) trim(tx *bolt.Tx) {
	f.mapped.Store(0)
	if err := unmapPages(f.db.Info().Data, tx.Size()); err != nil {
		f.log.Warn("the gallery's mapped pages stay in memory", "gallery", f.name, "err", err)
	}
}
