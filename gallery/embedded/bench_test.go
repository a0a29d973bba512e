package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

// kind is a sort of embedding, made by chance: each entry is near one of a hundred.
type kind struct {
	name            string
	length, nonZero int
}

// What embeddings of the models that there are look like: of the one trained on
// characters, of VGG16's on photographs, and of the general one.
var kinds = []kind{
	{"sparse-123", 4608, 123},
	{"sparse-400", 4608, 400},
	{"dense-512", 512, 512},
}

type maker struct {
	kind
	random  *rand.Rand
	middles [][]float32
}

func newMaker(k kind) *maker {
	m := &maker{kind: k, random: rand.New(rand.NewPCG(3, 5))}
	for range 100 {
		middle := make([]float32, k.length)
		for _, i := range m.random.Perm(k.length)[:k.nonZero] {
			middle[i] = m.number()
		}
		m.middles = append(m.middles, middle)
	}
	return m
}

func (m *maker) number() float32 {
	if m.nonZero == m.length {
		return float32(m.random.NormFloat64())
	}
	return float32(m.random.ExpFloat64())
}

// embedding moves a tenth of the numbers of one of the hundred, and changes the others a
// little.
func (m *maker) embedding() []float32 {
	e := slices.Clone(m.middles[m.random.IntN(len(m.middles))])
	for i, v := range e {
		if v == 0 {
			continue
		}
		if m.random.IntN(10) > 0 {
			e[i] *= 0.9 + 0.2*m.random.Float32()
			continue
		}
		e[i] = 0
		e[m.random.IntN(m.length)] = m.number()
	}
	return e
}

func (m *maker) entry(id string) gallery.Entry {
	return gallery.Entry{
		ID: id, Thing: "thing " + id[:len(id)-1], ModelDigest: digest("model"), Embedding: gallery.NewVector(m.embedding()),
		PictureDigest: [32]byte{1}, Familiarity: 0.5,
		Metadata: map[string]string{"file": "pictures/" + id + ".jpg", "class": strconv.Itoa(m.random.IntN(50))},
	}
}

func (m *maker) metric(t testing.TB) *gallery.Metric {
	weights := make([]float32, m.length)
	for i := range weights {
		weights[i] = 0.5 + m.random.Float32()
	}
	metric, err := gallery.NewMetric(digest("model"), weights)
	if err != nil {
		t.Fatal(err)
	}
	return metric
}

// benchmarkEntries is how many entries benchmarks have: SIAMESE_BENCH_ENTRIES, or few.
func benchmarkEntries(b *testing.B) int {
	text := os.Getenv("SIAMESE_BENCH_ENTRIES")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// filled is the folder of a store with a gallery "g" of n entries, which stays until the
// benchmarks have ended, and for the next ones where SIAMESE_BENCH_DIR names a folder.
func filled(b *testing.B, k kind, n int) string {
	name := fmt.Sprintf("%s-%d", k.name, n)
	dir := filepath.Join(os.Getenv("SIAMESE_BENCH_DIR"), name)
	if os.Getenv("SIAMESE_BENCH_DIR") == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("siamese-bench-%d-%s", os.Getpid(), name))
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("SIAMESE_BENCH_DIR") == "" {
		benchmarkDirs = append(benchmarkDirs, dir)
	}
	store := open(b, dir)
	create(b, store, "g", k.length)
	m := newMaker(k)
	const atOnce = 2000
	start := time.Now()
	for i := 0; i < n; i += atOnce {
		entries := make([]gallery.Entry, min(atOnce, n-i))
		for j := range entries {
			entries[j] = m.entry(fmt.Sprintf("%08x", m.random.Uint32()))
		}
		put(b, store, "g", entries...)
	}
	info, err := os.Stat(filepath.Join(dir, "g"+embedded.Extension))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s: %d entries put in %.1f s, %d bytes of file an entry", k.name, n, time.Since(start).Seconds(), info.Size()/int64(n))
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

var benchmarkDirs []string

func eachKind(b *testing.B, f func(b *testing.B, k kind)) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) { f(b, k) })
	}
}

// BenchmarkOpen opens a gallery and finds something in it for the first time, which
// builds its index.
func BenchmarkOpen(b *testing.B) {
	eachKind(b, func(b *testing.B, k kind) {
		dir := filled(b, k, benchmarkEntries(b))
		m := newMaker(k)
		query := gallery.Query{Embedding: gallery.NewVector(m.embedding()), Metric: m.metric(b), Limit: 200}
		var opening time.Duration
		before := processorTime(b)
		for b.Loop() {
			start := time.Now()
			store := open(b, dir)
			if _, err := store.Gallery(b.Context(), "g"); err != nil {
				b.Fatal(err)
			}
			opening += time.Since(start)
			nearest(b, store, query)
			if err := store.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "open-ms")
		b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(b.N), "processor-ms")
	})
}

func BenchmarkNearest(b *testing.B) {
	eachKind(b, func(b *testing.B, k kind) { benchmarkNearest(b, k, 0) })
}

func BenchmarkNearestBesidePut(b *testing.B) {
	eachKind(b, func(b *testing.B, k kind) { benchmarkNearest(b, k, 16) })
}

// benchmarkNearest finds 200 entries, while atOnce at a time are put.
func benchmarkNearest(b *testing.B, k kind, atOnce int) {
	store := open(b, filled(b, k, benchmarkEntries(b)))
	m := newMaker(k)
	metric := m.metric(b)
	queries := make([]gallery.Query, 64)
	for i := range queries {
		queries[i] = gallery.Query{Embedding: gallery.NewVector(m.embedding()), Metric: metric, Limit: 200}
	}
	nearest(b, store, queries[0])
	stop := putOn(b, store, k, atOnce)
	var took []time.Duration
	before := processorTime(b)
	for b.Loop() {
		start := time.Now()
		nearest(b, store, queries[len(took)%len(queries)])
		took = append(took, time.Since(start))
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "processor-ms")
	stop()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(residentMiB(b, "VmRSS:"), "resident-MiB")
}

// putOn puts entries until it is stopped.
func putOn(b *testing.B, store gallery.Store, k kind, atOnce int) (stop func()) {
	if atOnce == 0 {
		return func() {}
	}
	var end atomic.Bool
	done := make(chan struct{})
	start, n := time.Now(), 0
	go func() {
		defer close(done)
		m := newMaker(k)
		for !end.Load() {
			entries := make([]gallery.Entry, atOnce)
			for i := range entries {
				entries[i] = m.entry(fmt.Sprintf("new %06d", (n+i)%5000))
			}
			if _, err := store.Put(b.Context(), "g", entries); err != nil {
				b.Error(err)
				return
			}
			n += atOnce
		}
	}()
	return func() {
		end.Store(true)
		<-done
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "puts/s")
	}
}

// BenchmarkPut puts 64 entries at a time into an empty gallery; -cpu says how many do.
func BenchmarkPut(b *testing.B) {
	eachKind(b, func(b *testing.B, k kind) {
		store := open(b, b.TempDir())
		create(b, store, "g", k.length)
		const atOnce = 64
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			m := newMaker(k)
			entries := make([]gallery.Entry, atOnce)
			for pb.Next() {
				for i := range entries {
					entries[i] = m.entry(fmt.Sprintf("%08d", n.Add(1)))
				}
				put(b, store, "g", entries...)
			}
		})
		b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "entries/s")
	})
}

// processorTime is what this process has had of the processors, which says more than
// the clock where others use them, too.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// residentMiB is a line of what Linux says of this process's memory.
func residentMiB(b *testing.B, line string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for text := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(text, line); ok {
			kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kilobytes) / 1024
		}
	}
	return 0
}
