package gallery_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"siamese/gallery"
)

// trained is a head as training without constraints leaves it: every number goes into
// every hidden unit, with either sign, and all in all differences make pairs less alike.
func trained(random *rand.Rand, length, hidden int) *network {
	n := &network{lastBias: 6}
	importance := make([]float32, length)
	for i := range importance {
		importance[i] = random.Float32() * random.Float32()
	}
	for range hidden {
		n.last = append(n.last, -1.5*random.Float32()+0.5)
		n.firstBias = append(n.firstBias, random.Float32()/5-0.1)
	}
	for i := range length {
		for range hidden {
			n.first = append(n.first, 4*importance[i]*(random.Float32()-0.3)/float32(hidden))
		}
	}
	return n
}

func sample(random *rand.Rand, n int) []gallery.Vector {
	var all []gallery.Vector
	for len(all) < n {
		centre := embedding(random, length)
		for range 4 {
			all = append(all, near(random, centre, 0.8))
		}
	}
	return all
}

// found is the share of the head's best ten that are among the nearest entries, of the
// given number, for queries that nothing was learnt from.
func found(t *testing.T, head *network, metric *gallery.Metric, among, queries []gallery.Vector, nearest int) float64 {
	t.Helper()
	order := func(key func(gallery.Vector) float32) []int {
		keys, at := make([]float32, len(among)), make([]int, len(among))
		for i, v := range among {
			keys[i], at[i] = key(v), i
		}
		slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
		return at
	}
	hits := 0
	for _, query := range queries {
		near := order(func(v gallery.Vector) float32 { return metric.Distance(query, v) })[:nearest]
		for _, i := range order(func(v gallery.Vector) float32 { return -head.similarity(t, query, v) })[:10] {
			if slices.Contains(near, i) {
				hits++
			}
		}
	}
	return float64(hits) / float64(10*len(queries))
}

func TestLearnMetric(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	distance, _ := distanceNetwork(t, length)
	for _, tt := range []struct {
		name string
		head *network
		want float64 // share of the head's best ten among the 30 nearest of 2000
	}{
		{"a distance", distance, 1},
		{"as training leaves it", trained(random, length, 16), 0.95},
	} {
		t.Run(tt.name, func(t *testing.T) {
			learnt, err := gallery.LearnMetric(t.Context(), tt.head, digest, sample(random, 300))
			if err != nil {
				t.Fatal(err)
			}
			among, queries := sample(random, 2000), sample(random, 16)
			got := found(t, tt.head, learnt, among, queries, 30)
			equal, err := gallery.NewMetric(digest, slices.Repeat([]float32{1}, length))
			if err != nil {
				t.Fatal(err)
			}
			plain := found(t, tt.head, equal, among, queries, 30)
			t.Logf("found %.3f of the head's best ten among 30 of 2000, equal weights %.3f", got, plain)
			if got < tt.want || got < plain {
				t.Errorf("found %.3f of the head's best, want at least %v and the %.3f of equal weights", got, tt.want, plain)
			}
		})
	}
}

func TestLearnMetricReturnsTheBetterOne(t *testing.T) {
	head, told := distanceNetwork(t, length)
	// Too little to learn forty weights from.
	got, err := gallery.LearnMetric(t.Context(), head, digest, sample(rand.New(rand.NewPCG(6, 8)), 20), told)
	if err != nil {
		t.Fatal(err)
	}
	if got != told {
		t.Errorf("LearnMetric returned %v, want the metric that is known", got.Weights())
	}
}

func TestLearnMetricReturnsTheSameAgain(t *testing.T) {
	head, _ := distanceNetwork(t, length)
	from := sample(rand.New(rand.NewPCG(6, 9)), 64)
	one, err := gallery.LearnMetric(t.Context(), head, digest, from)
	if err != nil {
		t.Fatal(err)
	}
	two, err := gallery.LearnMetric(t.Context(), head, digest, from)
	if err != nil || !slices.Equal(one.Weights(), two.Weights()) {
		t.Errorf("a second LearnMetric returned other weights, %v", err)
	}
}

// constant says the same of all pairs.
type constant float32

func (c constant) Compare(_ context.Context, a, _ []float32) ([]float32, error) {
	return slices.Repeat([]float32{float32(c)}, len(a)/length), nil
}

func TestLearnMetricRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	head, _ := distanceNetwork(t, length)
	broken := errors.New("broken")
	enough := sample(random, 40)
	mixed := append(slices.Clone(enough), gallery.NewVector([]float32{1}))
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		head   gallery.Head
		sample []gallery.Vector
		want   error // nil: any
	}{
		{"nothing", t.Context(), head, nil, gallery.ErrSample},
		{"too few", t.Context(), head, enough[:10], gallery.ErrSample},
		{"all the same", t.Context(), head, slices.Repeat(enough[:1], 40), gallery.ErrSample},
		{"embeddings of length 0", t.Context(), head, make([]gallery.Vector, 40), nil},
		{"other lengths", t.Context(), head, mixed, nil},
		{"similarities of 0", t.Context(), constant(0), enough, gallery.ErrSample},
		{"similarities of 1", t.Context(), constant(1), enough, gallery.ErrSample},
		{"equal similarities", t.Context(), constant(0.5), enough, gallery.ErrSample},
		{"a head that fails", t.Context(), &network{err: broken}, enough, broken},
		{"a context that is done", done, head, enough, context.Canceled},
	} {
		metric, err := gallery.LearnMetric(tt.ctx, tt.head, digest, tt.sample)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: LearnMetric = %v, %v, want the error %v", tt.name, metric, err, tt.want)
		}
	}
}
