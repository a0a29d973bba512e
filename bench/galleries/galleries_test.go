package galleries

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"siamese/bench"
	"siamese/gallery"
)

// goHead is the head in Go as a network's.
type goHead struct {
	*DistanceHead
	length int
	shift  float64 // of its logits
}

func (h goHead) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	var similarities []float32
	for i := 0; i < len(a); i += h.length {
		pair := h.logits(gallery.NewVector(a[i:i+h.length]), []gallery.Vector{gallery.NewVector(b[i : i+h.length])})
		similarities = append(similarities, float32(similarityOf(pair[0]+h.shift)))
	}
	return similarities, nil
}

const testLength = 64

// testGallery is one of a made-up model whose head is a distance of two units.
func testGallery(t *testing.T, entries int, sparse bool) Gallery {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	first, weights := make([]float32, 2*testLength), make([]float32, testLength)
	for i := range testLength {
		weights[i] = 0.1 + random.Float32()
		first[2*i+i%2] = weights[i]
	}
	exact, err := NewDistanceHead(first, []float32{-0.1, -0.2}, []float32{-1, -1}, 5)
	if err != nil {
		t.Fatal(err)
	}
	metric, err := gallery.NewMetric("digest", weights)
	if err != nil {
		t.Fatal(err)
	}
	g := Gallery{
		Model: Model{Name: "made-up", Digest: "digest", Head: goHead{exact, testLength, 0}, Metric: metric, Exact: exact, Of: "chance"},
		Store: Embedded(t.TempDir()), Entries: entries, Queries: 5, Judged: 5, Seed: 3, Seconds: 0.2,
		Parts: []string{"open", "search", "recall"}, Progress: io.Discard,
	}
	for range 8 {
		embedding := make([]float32, testLength)
		for i := range embedding {
			if !sparse || random.IntN(6) == 0 {
				embedding[i] = 0.1 + random.Float32()
			}
		}
		g.Embeddings = append(g.Embeddings, embedding)
	}
	return g
}

// named finds a row by a part of its name.
func named(t *testing.T, rows []bench.Row, part string) bench.Row {
	t.Helper()
	at := slices.IndexFunc(rows, func(r bench.Row) bool { return strings.Contains(r.Name, part) })
	if at < 0 {
		t.Fatalf("no row has %q in its name: %v", part, rows)
	}
	return rows[at]
}

func TestGalleryInProcess(t *testing.T) {
	for name, sparse := range map[string]bool{"sparse": true, "dense": false} {
		t.Run(name, func(t *testing.T) {
			for _, exact := range []bool{true, false} {
				g := testGallery(t, 700, sparse)
				if !exact {
					g.Exact = nil
				}
				rows, err := g.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range []string{"best 1 of all", "best 10 of all"} {
					// The metric is the head's own distance, but for the biases.
					if row := named(t, rows, part); row.Value < 0.99 || row.Bar == nil {
						t.Errorf("%s = %v with bar %v, want nearly 1 and a bar", row.Name, row.Value, row.Bar)
					}
				}
				if p50, p99 := named(t, rows, "in process, p50"), named(t, rows, "in process, p99"); !(p50.Value > 0 && p50.Value <= p99.Value) {
					t.Errorf("p50 %v ms, p99 %v ms, want above 0 and rising", p50.Value, p99.Value)
				}
				if err := g.Remove(t.Context()); err != nil {
					t.Fatal(err)
				}
				if left, err := os.ReadDir(g.Store.Place()); err != nil || len(left) != 0 {
					t.Errorf("%d files are left in the folder (%v), want none", len(left), err)
				}
			}
		})
	}
}

// blind finds no more than the nearest one, which it leaves out.
type blind struct{ gallery.Store }

func (b blind) Nearest(ctx context.Context, name string, query gallery.Query) ([]gallery.Candidate, error) {
	found, err := b.Store.Nearest(ctx, name, query)
	return found[min(1, len(found)):], err
}

// blindStore is a place whose store is blind.
type blindStore struct{ Store }

func (b blindStore) Open(ctx context.Context) (gallery.Store, error) {
	store, err := b.Store.Open(ctx)
	return blind{store}, err
}

func TestRecallTellsWhatIsMissed(t *testing.T) {
	g := testGallery(t, 300, true)
	g.Store = blindStore{g.Store}
	rows, err := g.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if row := named(t, rows, "best 1 of all"); row.Value > 0.3 || row.Holds {
		t.Errorf("%+v, want hardly any, below the bar", row)
	}
	if row := named(t, rows, "best 10 of all"); math.Abs(row.Value-0.9) > 0.05 || row.Holds {
		t.Errorf("%+v, want 0.9, below the bar", row)
	}
}

func TestRecallNeedsTheSameHead(t *testing.T) {
	g := testGallery(t, 300, true)
	g.Head = goHead{g.Exact, testLength, 1}
	if _, err := g.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "off by") {
		t.Errorf("Run with a head in Go of another network = %v, want an error that says by how much it is off", err)
	}
}

func TestShareOfBest(t *testing.T) {
	var all []float64
	for i := range 30 {
		all = append(all, float64(i)-27)
	}
	down := []float64{2, 1, 0, -1, -2, -3, -4, -5, -6, -7}
	tests := []struct {
		name       string
		all, found []float64
		first, ten float64
	}{
		{"all of them", all, down, 1, 1},
		{"one of the last is another that is as good", append(slices.Clone(all), -7), down, 1, 1},
		{"the first is missing", all, append(slices.Clone(down[1:]), -8), 0, 0.9},
		{"one whose similarity can't be told from the best one's", []float64{30, 25}, []float64{25, 30}, 1, 1},
		{"the second best comes first", all, []float64{1, 2}, 0, 0.2},
		{"none", all, nil, 0, 0},
		{"fewer than ten", all[:4], []float64{-24, -25, -26, -27}, 1, 1},
	}
	for _, tt := range tests {
		first, ten := shareOfBest(tt.all, tt.found)
		if first != tt.first || math.Abs(ten-tt.ten) > 1e-9 {
			t.Errorf("%s: shareOfBest = %v, %v, want %v, %v", tt.name, first, ten, tt.first, tt.ten)
		}
	}
}

func TestDistanceHead(t *testing.T) {
	// Units of numbers 0 and 2, and of 1; the third number is of none.
	h, err := NewDistanceHead([]float32{2, 0, 0, 3, 1, 0, 0, 0}, []float32{-1, -4}, []float32{-1, -2}, 7)
	if err != nil {
		t.Fatal(err)
	}
	query := gallery.NewVector([]float32{1, 0, 0, 9})
	others := []gallery.Vector{gallery.NewVector([]float32{1, 0, 0, 0}), gallery.NewVector([]float32{0, 2, 3, 0})}
	// |a−b| = 0 0 0 9: both units are below 0. |a−b| = 1 2 3 9: 2+3−1 = 4 and 6−4 = 2.
	if got, want := h.logits(query, others), []float64{7, 7 - 4 - 4}; !slices.Equal(got, want) {
		t.Errorf("logits = %v, want %v", got, want)
	}
	for name, first := range map[string][]float32{"two units": {1, 1}, "no whole row": {1}} {
		if _, err := NewDistanceHead(first, []float32{0, 0}, []float32{1, 1}, 0); err == nil {
			t.Errorf("NewDistanceHead of %s = nil, want an error", name)
		}
	}
}

// Entries are made again by their numbers, keep the zeros' share, and are not each other.
func TestEntries(t *testing.T) {
	for name, sparse := range map[string]bool{"sparse": true, "dense": false} {
		g := testGallery(t, 100, sparse)
		made := g.maker().vectors(0, 100)
		for i, v := range made {
			if !v.Equal(g.maker().vector(i)) {
				t.Fatalf("%s: entry %d is made otherwise a second time", name, i)
			}
			if i > 0 && v.Equal(made[i-1]) {
				t.Errorf("%s: entries %d and %d are the same", name, i-1, i)
			}
			if v.IsSparse() != sparse {
				t.Errorf("%s: entry %d is sparse: %t", name, i, v.IsSparse())
			}
		}
		if g.query(0).Equal(made[0]) {
			t.Errorf("%s: the first query is the first entry", name)
		}
		other := g
		other.Seed++
		if other.maker().vector(0).Equal(made[0]) {
			t.Errorf("%s: another seed makes the same entry", name)
		}
	}
}

func TestGalleryIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Gallery){
		"an unknown part":   func(g *Gallery) { g.Parts = []string{"dance"} },
		"no entries":        func(g *Gallery) { g.Entries = 0 },
		"no time":           func(g *Gallery) { g.Seconds = math.NaN() },
		"two embeddings":    func(g *Gallery) { g.Embeddings = g.Embeddings[:2] },
		"too few to enroll": func(g *Gallery) { g.Parts = []string{"enrol"} },
	} {
		g := testGallery(t, 10, true)
		spoil(&g)
		if _, err := g.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "received") {
			t.Errorf("%s: Run = %v, want an error that says what was received", name, err)
		}
	}
}

func TestGalleryEndsWithItsContext(t *testing.T) {
	g := testGallery(t, 10_000, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want that it was cancelled", err)
	}
}
