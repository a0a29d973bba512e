package metrics

import (
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"siamese/server/batch"
)

// byModel is the label with the name by which calls ask for a model.
const byModel = "model"

// What a reading becomes. The names are part of the interface: dashboards and
// alerts go by them.
var (
	queueImages   = describe("queue_images", "Images that wait for the encoder.", byModel)
	queueReserved = describe("queue_reserved_images", "Images that have a place in the queue while they are prepared.", byModel)
	queueCapacity = describe("queue_capacity_images", "Images that may wait for the encoder of one model.", byModel)
	encoderImages = describe("encoder_images", "Images of the runs under way.", byModel)
	encoderRuns   = describe("encoder_runs", "Runs of the encoder under way.", byModel)
	encoderTime   = describe("encoder_seconds_total", "Time of all runs of the encoder; runs side by side count each.", byModel)
	encoded       = describe("images_encoded_total", "Images that were encoded.", byModel)
	shared        = describe("images_shared_total", "Images for which one that waited or was under way already was encoded.", byModel)
	refusedImages = describe("images_refused_total", "Images that the queue had no room for.", byModel)
	droppedImages = describe("images_dropped_total", "Images that left the queue without being encoded.", "reason", byModel)
	failedRuns    = describe("runs_failed_total", "Runs of the encoder that failed.", byModel)
	batchImages   = describe("batch_images", "Images of one run of the encoder.", byModel)

	cacheHits      = describe("cache_hits_total", "Embeddings found in the cache, by the bytes that came (source) or by their pixels.", "by", byModel)
	cacheMisses    = describe("cache_misses_total", "Embeddings not found in the cache.", "by", byModel)
	cacheBytes     = describe("cache_bytes", "Memory of the embeddings that are kept.", byModel)
	cacheCapacity  = describe("cache_capacity_bytes", "Memory that the embeddings of one model may take.", byModel)
	cacheEntries   = describe("cache_entries", "Sources and embeddings that are kept.", byModel)
	cacheEvictions = describe("cache_evictions_total", "Entries of the cache that made room for others.", byModel)

	memoryBytes    = describe("memory_bytes", "Bytes taken of the calls' budget: messages, replies until they are written, pictures being decoded.")
	memoryCapacity = describe("memory_capacity_bytes", "Bytes of the calls' budget; messages and replies may take half.")

	galleries       = describe("galleries", "Galleries.")
	galleriesMost   = describe("galleries_capacity", "Galleries that there may be.")
	galleriesOpen   = describe("galleries_open", "Galleries that are open; of a database all are.")
	galleryItems    = describe("gallery_entries", "Entries of all galleries that are open.")
	galleryLargest  = describe("gallery_largest_entries", "Entries of the largest gallery that is open.")
	galleryCapacity = describe("gallery_capacity_entries", "Entries that one gallery may have.")
	galleryStale    = describe("gallery_stale_entries", "Entries whose embeddings are of another model than their gallery's: they are not found.")
	galleryMemory   = describe("gallery_index_bytes", "Memory of what finds entries; 0 where a database does.")

	serving      = describe("serving", "1 while health says SERVING, else 0.")
	modelServing = describe("model_serving", "1 while health says SERVING of the model, else 0.", byModel)
	modelInfo    = describe("model_info", "1 for each version in memory; digest is short.", byModel, "name", "version", "digest", "precision", "default")
	buildInfo    = describe("build_info", "1; what the program was built from is in the labels.", "version", "revision", "go_version", "tensorflow_version")
	outsideGo    = describe("resident_outside_go_bytes", "Resident memory of the process less what Go's runtime holds: nearly all of it is TensorFlow's.")
	descriptors  = []*prometheus.Desc{
		queueImages, queueReserved, queueCapacity, encoderImages, encoderRuns, encoderTime, encoded, shared, refusedImages, droppedImages, failedRuns, batchImages,
		cacheHits, cacheMisses, cacheBytes, cacheCapacity, cacheEntries, cacheEvictions,
		memoryBytes, memoryCapacity,
		galleries, galleriesMost, galleriesOpen, galleryItems, galleryLargest, galleryCapacity, galleryStale, galleryMemory,
		serving, modelServing, modelInfo, buildInfo, outsideGo,
	}
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// collector tells a reading to Prometheus.
type collector struct{ read func() Reading }

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptors {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	r, s := c.read(), sink(out)
	s.gauge(serving, truth(r.Serving))
	for _, m := range r.Models {
		s.queue(m, r.MaxQueued)
		s.cache(m, r.MaxCacheBytes)
		s.versions(m)
	}
	s.build(r.Build)
	s.gauge(memoryBytes, float64(r.MemoryBytes))
	s.gauge(memoryCapacity, float64(r.MaxMemoryBytes))
	s.galleries(r.Galleries)
	s.memory(r.ResidentBytes)
}

func (s sink) galleries(g *Galleries) {
	if g == nil {
		return
	}
	s.gauge(galleries, float64(g.Galleries))
	s.gauge(galleriesOpen, float64(g.Open))
	s.gauge(galleryItems, float64(g.Count.Entries))
	s.gauge(galleryLargest, float64(g.Largest))
	s.gauge(galleryStale, float64(g.Count.Stale))
	s.gauge(galleryMemory, float64(g.IndexBytes))
	if g.MaxGalleries > 0 {
		s.gauge(galleriesMost, float64(g.MaxGalleries))
	}
	if g.MaxEntries > 0 {
		s.gauge(galleryCapacity, float64(g.MaxEntries))
	}
}

// sink takes metrics. One that does not fit its description arrives as an error
// of the scrape.
type sink chan<- prometheus.Metric

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.put(d, prometheus.GaugeValue, value, labels)
}

func (s sink) count(d *prometheus.Desc, value uint64, labels ...string) {
	s.put(d, prometheus.CounterValue, float64(value), labels)
}

func (s sink) put(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels []string) {
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	s <- m
}

func (s sink) queue(m Model, capacity int) {
	q, name := m.Queue, m.Name
	s.gauge(queueImages, float64(q.Queued), name)
	s.gauge(queueReserved, float64(q.Reserved), name)
	s.gauge(queueCapacity, float64(capacity), name)
	s.gauge(encoderImages, float64(q.InFlight), name)
	s.gauge(encoderRuns, float64(q.Running), name)
	s.put(encoderTime, prometheus.CounterValue, q.Encode.Seconds(), []string{name})
	s.count(encoded, q.Images, name)
	s.count(shared, q.Shared, name)
	s.count(refusedImages, q.Refused, name)
	s.count(failedRuns, q.Failed, name)
	for reason, images := range q.Dropped {
		s.count(droppedImages, images, string(reason), name)
	}
	s.batches(q, name)
}

// batchBuckets are sizes of runs.
var batchBuckets = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}

// batches makes a histogram of the runs by size.
func (s sink) batches(q batch.Stats, model string) {
	var runs, images uint64
	buckets := make(map[float64]uint64, len(batchBuckets))
	for size, n := range q.Batches {
		runs += n
		images += n * uint64(size)
		for _, bound := range batchBuckets {
			if size <= bound {
				buckets[float64(bound)] += n
			}
		}
	}
	m, err := prometheus.NewConstHistogram(batchImages, runs, float64(images), buckets, model)
	if err != nil {
		m = prometheus.NewInvalidMetric(batchImages, err)
	}
	s <- m
}

func (s sink) cache(m Model, capacity int) {
	c, name := m.Cache, m.Name
	s.count(cacheHits, c.SourceHits, "source", name)
	s.count(cacheHits, c.PixelsHits, "pixels", name)
	s.count(cacheMisses, c.SourceMisses, "source", name)
	s.count(cacheMisses, c.PixelsMisses, "pixels", name)
	s.gauge(cacheBytes, float64(c.Bytes), name)
	s.gauge(cacheCapacity, float64(capacity), name)
	s.gauge(cacheEntries, float64(c.Entries), name)
	s.count(cacheEvictions, c.Evictions, name)
}

// digestLength is what of a digest tells models apart: 48 bits.
const digestLength = 12

func (s sink) versions(m Model) {
	s.gauge(modelServing, truth(m.Serving), m.Name)
	for _, v := range m.Versions {
		s.gauge(modelInfo, 1, m.Name, v.Card, v.Version, v.Digest[:min(len(v.Digest), digestLength)], v.Precision, strconv.FormatBool(v.Default))
	}
}

func (s sink) build(b Build) {
	s.gauge(buildInfo, 1, b.Version, b.Revision, b.GoVersion, b.TensorFlowVersion)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// memory tells nothing where the system does not.
func (s sink) memory(residentBytes uint64) {
	if residentBytes == 0 {
		return
	}
	inGo := min(goBytes(), residentBytes) // not all that Go holds need be resident
	s.gauge(outsideGo, float64(residentBytes-inGo))
}

// ResidentBytes returns the process's resident memory, 0 where the system does not
// tell. A model's memory is TensorFlow's: Go's own statistics don't have it.
func ResidentBytes() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident uint64 // in pages
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}

// goBytes is the memory that Go's runtime has from the system, what it has given
// back not counted.
func goBytes() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	for _, sample := range samples {
		if sample.Value.Kind() != metrics.KindUint64 {
			return 0
		}
	}
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

var modelLoads = describe("model_loads_total", "Loads of versions since the start, the first one included.", byModel, "result")

// Loads is how many loads of a model's versions held and how many did not.
type Loads struct {
	Model        string // by which calls ask for it
	Held, Failed uint64
}

// loads tells counts of loads to Prometheus.
type loads struct{ read func() []Loads }

// CountLoads registers how often versions of each model were loaded; read is called
// for each scrape, by several goroutines at a time.
func CountLoads(registerer prometheus.Registerer, read func() []Loads) error {
	if err := registerer.Register(loads{read}); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (l loads) Describe(out chan<- *prometheus.Desc) { out <- modelLoads }

// Collect implements prometheus.Collector.
func (l loads) Collect(out chan<- prometheus.Metric) {
	for _, of := range l.read() {
		sink(out).count(modelLoads, of.Held, of.Model, resultOK)
		sink(out).count(modelLoads, of.Failed, of.Model, resultFailed)
	}
}
