package metrics

import (
	"maps"

	"siamese/gallery"
	"siamese/server/batch"
	"siamese/server/cache"
)

// Reading is what a server's parts have counted, at one moment.
type Reading struct {
	Models []Model // in the order in which the server was given them

	MaxQueued     int  // images that one model's queue takes
	MaxCacheBytes int  // bytes that one model's cache takes
	Serving       bool // what health says of the server as a whole

	MemoryBytes, MaxMemoryBytes int64 // of the calls' budget: taken, and in all

	Galleries *Galleries // nil: none are kept, or they can't be read now

	ResidentBytes uint64 // of the process; 0 where the system does not tell

	Build Build
}

// Model is what the versions of one model have counted, and those in memory.
type Model struct {
	Name     string // by which calls ask for it
	Serving  bool   // what health says of it
	Versions []Version
	Counts
}

// Counts are the sums over the queues and caches of one model, those of versions that
// went included, so that counters never fall.
type Counts struct {
	Queue batch.Stats
	Cache cache.Stats
}

// Galleries is what the galleries that are open have together, and their bounds.
type Galleries struct {
	gallery.Figures

	MaxGalleries, MaxEntries int // 0: no bound
}

// Version is a version of a model in memory.
type Version struct {
	Card, Version string // what the model's card calls it, and its version
	Digest        string // of the weights, in hexadecimal
	Precision     string // what it computes in, such as "float32"
	Default       bool   // whether it answers calls that name its model alone
}

// Build is what the program was built from; fields may be empty.
type Build struct {
	Version, Revision, GoVersion, TensorFlowVersion string
}

// Add puts another queue's and cache's numbers to the sums.
func (s *Counts) Add(queue batch.Stats, embeddings cache.Stats) {
	s.addQueue(queue)
	c := &s.Cache
	c.Bytes += embeddings.Bytes
	c.Entries += embeddings.Entries
	c.SourceHits += embeddings.SourceHits
	c.SourceMisses += embeddings.SourceMisses
	c.PixelsHits += embeddings.PixelsHits
	c.PixelsMisses += embeddings.PixelsMisses
	c.Evictions += embeddings.Evictions
}

// AddPast adds the numbers of a queue and a cache that are gone: what they have
// counted stays, what they held does not.
func (s *Counts) AddPast(queue batch.Stats, embeddings cache.Stats) {
	queue.Queued, queue.Reserved, queue.InFlight, queue.Running = 0, 0, 0, 0
	embeddings.Bytes, embeddings.Entries = 0, 0
	s.Add(queue, embeddings)
}

func (s *Counts) addQueue(other batch.Stats) {
	q := &s.Queue
	q.Queued += other.Queued
	q.Reserved += other.Reserved
	q.InFlight += other.InFlight
	q.Running += other.Running
	q.Images += other.Images
	q.Encode += other.Encode
	q.Failed += other.Failed
	q.Shared += other.Shared
	q.Refused += other.Refused
	batches := make([]uint64, max(len(q.Batches), len(other.Batches)))
	copy(batches, q.Batches)
	for size, runs := range other.Batches {
		batches[size] += runs
	}
	q.Batches = batches
	dropped := make(map[batch.DropReason]uint64, len(other.Dropped))
	maps.Copy(dropped, q.Dropped)
	for reason, images := range other.Dropped {
		dropped[reason] += images
	}
	q.Dropped = dropped
}
