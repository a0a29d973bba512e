package e2e_test

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"siamese/client"
	"siamese/gallery"
	"siamese/gallery/storetest"
	"siamese/internal/proctest"
	"siamese/tfmodel"
	"siamese/weights"
)

// tangled is a small network whose head is no distance: each number goes into every unit,
// with either sign, and few of them make up nearly all of what pairs differ by.
func tangled(t *testing.T) (dir string, model *tfmodel.Model) {
	t.Helper()
	architecture := tfmodel.Architecture{Height: 16, Width: 16, Blocks: [][]int{{4}, {8}}, Hidden: 6}
	set, err := tfmodel.Initial(architecture, 3)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9, 10))
	var tensors []weights.Tensor
	for tensor := range set.All() {
		tensor.Data = slices.Clone(tensor.Data)
		for i := range tensor.Data {
			switch tensor.Name {
			case "dense_1/kernel":
				importance := float32(0.02)
				if i/architecture.Hidden%8 == 0 {
					importance = 2
				}
				tensor.Data[i] = importance * (random.Float32() - 0.2)
			case "dense_1/bias":
				tensor.Data[i] = 0.1 * random.Float32()
			case "dense_2/kernel":
				tensor.Data[i] = 0.2 - 1.2*random.Float32()
			case "dense_2/bias":
				tensor.Data[i] = 4
			}
		}
		tensors = append(tensors, tensor)
	}
	source := tfmodel.Source{Card: tfmodel.Card{Name: "tangled", Architecture: architecture, Threshold: 0.5}}
	if source.Weights, err = weights.New(tensors...); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "tangled")
	if err := tfmodel.Export(t.Context(), filepath.Join(dir, "1"), source, tfmodel.Options{}); err != nil {
		t.Fatal(err)
	}
	if model, err = tfmodel.Load(t.Context(), filepath.Join(dir, "1"), tfmodel.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = model.Close() })
	if model.MetricWeights() != nil {
		t.Fatal("the network's head is a distance, want none")
	}
	return dir, model
}

// embeddingsOf encodes seeded pictures: a colour, and noise on it.
func embeddingsOf(t *testing.T, model *tfmodel.Model, count int) [][]float32 {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 8))
	bytes := model.Card().Architecture.ImageBytes()
	var all [][]float32
	for len(all) < count {
		pixels := make([]byte, 100*bytes)
		for picture := range slices.Chunk(pixels, bytes) {
			colour := [3]float32{random.Float32(), random.Float32(), random.Float32()}
			for i := range picture {
				picture[i] = byte(colour[i%3] * float32(128+random.IntN(128)))
			}
		}
		embeddings, err := model.Encode(t.Context(), pixels)
		if err != nil {
			t.Fatal(err)
		}
		for embedding := range slices.Chunk(embeddings, model.Card().Architecture.EmbeddingLength()) {
			all = append(all, embedding)
		}
	}
	return all[:count]
}

// bestByHead are the places of the ten embeddings that the head finds most like one.
func bestByHead(t *testing.T, model *tfmodel.Model, query []float32, among [][]float32) []string {
	t.Helper()
	similarities, err := model.Compare(t.Context(), slices.Repeat(query, len(among)), slices.Concat(among...))
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int, len(among))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(similarities[b], similarities[a]) })
	var ids []string
	for _, i := range order[:10] {
		ids = append(ids, placeID(i))
	}
	return ids
}

func placeID(i int) string { return fmt.Sprintf("e%05d", i) }

// TestGalleryOfAHeadThatIsNoDistance has a server learn how to find a model's best, and
// find them: those that the head itself finds best of all.
func TestGalleryOfAHeadThatIsNoDistance(t *testing.T) {
	dir, model := tangled(t)
	all := embeddingsOf(t, model, 4020)
	entries, queries := all[:4000], all[4000:]
	digest := model.Card().Weights.Digest
	flags := []string{"--model", "tangled=" + dir, "--galleries", filepath.Join(t.TempDir(), "galleries")}
	server := proctest.Serve(t, flags...)
	c := dialGalleries(t, server)
	if _, err := c.CreateGallery(t.Context(), "g", client.GalleryOptions{}); err != nil {
		t.Fatal(err)
	}
	if enrolled, err := c.Enroll(t.Context(), "g", asEmbeddings(entries, digest)); err != nil || enrolled.Added != len(entries) {
		t.Fatalf("Enroll = %+v, %v, want %d added", enrolled, err, len(entries))
	}
	recall := func(find func(query []float32) []string) float64 {
		found := 0
		for _, query := range queries {
			ids := find(query)
			for _, id := range bestByHead(t, model, query, entries) {
				if slices.Contains(ids, id) {
					found++
				}
			}
		}
		return float64(found) / float64(10*len(queries))
	}
	got := recall(func(query []float32) []string {
		identified, err := c.Identify(t.Context(), "g", client.Image{Embedding: &client.Embedding{Values: query, ModelDigest: digest}}, client.IdentifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, match := range identified.Matches {
			ids = append(ids, match.Entry.ID)
		}
		return ids
	})
	plain := recall(equalWeights(t, model, entries))
	t.Logf("recall of the head's best ten of %d: %.3f, with equal weights %.3f", len(entries), got, plain)
	if got < 0.99 || plain >= 0.99 {
		t.Errorf("recall %.3f, with equal weights %.3f, want at least 0.99, and less with equal weights", got, plain)
	}
}

func asEmbeddings(all [][]float32, digest string) iter.Seq2[client.NewEntry, error] {
	return func(yield func(client.NewEntry, error) bool) {
		for i, values := range all {
			if !yield(client.NewEntry{ID: placeID(i), Image: client.Image{Embedding: &client.Embedding{Values: values, ModelDigest: digest}}}, nil) {
				return
			}
		}
	}
}

// equalWeights finds by a metric for which all numbers weigh alike.
func equalWeights(t *testing.T, model *tfmodel.Model, entries [][]float32) func(query []float32) []string {
	t.Helper()
	digest, length := model.Card().Weights.Digest, model.Card().Architecture.EmbeddingLength()
	metric, err := gallery.NewMetric(digest, slices.Repeat([]float32{1}, length))
	if err != nil {
		t.Fatal(err)
	}
	store := storetest.NewMemory()
	if err := store.Create(t.Context(), gallery.Info{Name: "g", ModelDigest: digest, EmbeddingLength: length}); err != nil {
		t.Fatal(err)
	}
	var put []gallery.Entry
	for i, values := range entries {
		put = append(put, gallery.Entry{ID: placeID(i), Embedding: gallery.NewVector(values), ModelDigest: digest})
	}
	if _, err := store.Put(t.Context(), "g", put); err != nil {
		t.Fatal(err)
	}
	searcher := gallery.Searcher{Store: store, Head: model, Metric: metric}
	return func(query []float32) []string {
		matches, err := searcher.Identify(t.Context(), "g", gallery.Search{Embedding: gallery.NewVector(query), TopK: 10})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, match := range matches {
			ids = append(ids, match.ID)
		}
		return ids
	}
}
