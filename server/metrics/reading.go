package metrics

import (
	"maps"

	"siamese/server/batch"
	"siamese/server/cache"
)

// Reading is what a server's parts have counted, at one moment.
type Reading struct {
	// Queue is the sum over all queues, those of models that went included, so
	// that counters never fall.
	Queue batch.Stats

	// Cache is the sum over all caches, likewise.
	Cache cache.Stats

	MaxQueued     int  // images that one model's queue takes
	MaxCacheBytes int  // bytes that one model's cache takes
	Serving       bool // what health says

	MemoryBytes, MaxMemoryBytes int64 // of the calls' budget: taken, and in all

	ResidentBytes uint64 // of the process; 0 where the system does not tell

	Models []Model
	Build  Build
}

// Model is a model in memory.
type Model struct {
	Name, Version string
	Digest        string // of the weights, in hexadecimal
	Precision     string // what it computes in, such as "float32"
	Default       bool   // whether it answers calls that name none
}

// Build is what the program was built from; fields may be empty.
type Build struct {
	Version, Revision, GoVersion, TensorFlowVersion string
}

// Add puts another queue's and cache's numbers to the reading's.
func (r *Reading) Add(queue batch.Stats, embeddings cache.Stats) {
	r.addQueue(queue)
	c := &r.Cache
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
func (r *Reading) AddPast(queue batch.Stats, embeddings cache.Stats) {
	queue.Queued, queue.Reserved, queue.InFlight, queue.Running = 0, 0, 0, 0
	embeddings.Bytes, embeddings.Entries = 0, 0
	r.Add(queue, embeddings)
}

func (r *Reading) addQueue(other batch.Stats) {
	q := &r.Queue
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
