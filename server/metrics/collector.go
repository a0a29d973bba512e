package metrics

import (
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"siamese/server/batch"
)

// What a reading becomes. The names are part of the interface: dashboards and
// alerts go by them.
var (
	queueImages   = describe("queue_images", "Images that wait for the encoder.")
	queueReserved = describe("queue_reserved_images", "Images that have a place in the queue while they are prepared.")
	queueCapacity = describe("queue_capacity_images", "Images that may wait for the encoder of one model.")
	encoderImages = describe("encoder_images", "Images of the runs under way.")
	encoderRuns   = describe("encoder_runs", "Runs of the encoder under way.")
	encoderTime   = describe("encoder_seconds_total", "Time of all runs of the encoder; runs side by side count each.")
	encoded       = describe("images_encoded_total", "Images that were encoded.")
	shared        = describe("images_shared_total", "Images for which one that waited or was under way already was encoded.")
	refusedImages = describe("images_refused_total", "Images that the queue had no room for.")
	droppedImages = describe("images_dropped_total", "Images that left the queue without being encoded.", "reason")
	failedRuns    = describe("runs_failed_total", "Runs of the encoder that failed.")
	batchImages   = describe("batch_images", "Images of one run of the encoder.")

	cacheHits      = describe("cache_hits_total", "Embeddings found in the cache, by the bytes that came (source) or by their pixels.", "by")
	cacheMisses    = describe("cache_misses_total", "Embeddings not found in the cache.", "by")
	cacheBytes     = describe("cache_bytes", "Memory of the embeddings that are kept.")
	cacheCapacity  = describe("cache_capacity_bytes", "Memory that the embeddings of one model may take.")
	cacheEntries   = describe("cache_entries", "Sources and embeddings that are kept.")
	cacheEvictions = describe("cache_evictions_total", "Entries of the cache that made room for others.")

	memoryBytes    = describe("memory_bytes", "Bytes taken of the calls' budget: messages, replies until they are written, pictures being decoded.")
	memoryCapacity = describe("memory_capacity_bytes", "Bytes of the calls' budget; messages and replies may take half.")

	serving     = describe("serving", "1 while health says SERVING, else 0.")
	modelInfo   = describe("model_info", "1 for each model in memory; digest is short.", "name", "version", "digest", "precision", "default")
	buildInfo   = describe("build_info", "1; what the program was built from is in the labels.", "version", "revision", "go_version", "tensorflow_version")
	outsideGo   = describe("resident_outside_go_bytes", "Resident memory of the process less what Go's runtime holds: nearly all of it is TensorFlow's.")
	descriptors = []*prometheus.Desc{
		queueImages, queueReserved, queueCapacity, encoderImages, encoderRuns, encoderTime, encoded, shared, refusedImages, droppedImages, failedRuns, batchImages,
		cacheHits, cacheMisses, cacheBytes, cacheCapacity, cacheEntries, cacheEvictions,
		memoryBytes, memoryCapacity, serving, modelInfo, buildInfo, outsideGo,
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
	s.queue(r)
	s.cache(r)
	s.models(r)
	s.gauge(memoryBytes, float64(r.MemoryBytes))
	s.gauge(memoryCapacity, float64(r.MaxMemoryBytes))
	s.memory(r.ResidentBytes)
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

func (s sink) queue(r Reading) {
	q := r.Queue
	s.gauge(queueImages, float64(q.Queued))
	s.gauge(queueReserved, float64(q.Reserved))
	s.gauge(queueCapacity, float64(r.MaxQueued))
	s.gauge(encoderImages, float64(q.InFlight))
	s.gauge(encoderRuns, float64(q.Running))
	s.put(encoderTime, prometheus.CounterValue, q.Encode.Seconds(), nil)
	s.count(encoded, q.Images)
	s.count(shared, q.Shared)
	s.count(refusedImages, q.Refused)
	s.count(failedRuns, q.Failed)
	for reason, images := range q.Dropped {
		s.count(droppedImages, images, string(reason))
	}
	s.batches(q)
}

// batchBuckets are sizes of runs.
var batchBuckets = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}

// batches makes a histogram of the runs by size.
func (s sink) batches(q batch.Stats) {
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
	m, err := prometheus.NewConstHistogram(batchImages, runs, float64(images), buckets)
	if err != nil {
		m = prometheus.NewInvalidMetric(batchImages, err)
	}
	s <- m
}

func (s sink) cache(r Reading) {
	c := r.Cache
	s.count(cacheHits, c.SourceHits, "source")
	s.count(cacheHits, c.PixelsHits, "pixels")
	s.count(cacheMisses, c.SourceMisses, "source")
	s.count(cacheMisses, c.PixelsMisses, "pixels")
	s.gauge(cacheBytes, float64(c.Bytes))
	s.gauge(cacheCapacity, float64(r.MaxCacheBytes))
	s.gauge(cacheEntries, float64(c.Entries))
	s.count(cacheEvictions, c.Evictions)
}

// digestLength is what of a digest tells models apart: 48 bits.
const digestLength = 12

func (s sink) models(r Reading) {
	s.gauge(serving, truth(r.Serving))
	for _, m := range r.Models {
		s.gauge(modelInfo, 1, m.Name, m.Version, m.Digest[:min(len(m.Digest), digestLength)], m.Precision, strconv.FormatBool(m.Default))
	}
	b := r.Build
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

var modelLoads = describe("model_loads_total", "Loads of model versions since the start, the first one included.", "result")

// loads tells a count of loads to Prometheus.
type loads struct{ read func() (held, failed uint64) }

// CountLoads registers how many loads of model versions held and how many did
// not; read is called for each scrape, by several goroutines at a time.
func CountLoads(registerer prometheus.Registerer, read func() (held, failed uint64)) error {
	if err := registerer.Register(loads{read}); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (l loads) Describe(out chan<- *prometheus.Desc) { out <- modelLoads }

// Collect implements prometheus.Collector.
func (l loads) Collect(out chan<- prometheus.Metric) {
	held, failed := l.read()
	sink(out).count(modelLoads, held, resultOK)
	sink(out).count(modelLoads, failed, resultFailed)
}
