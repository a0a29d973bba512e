package siamese_test

import (
	"math"
	"strings"
	"testing"

	"siamese"
	"siamese/imaging/views"
	"siamese/tfmodel"
)

// openViews opens the model of drawings, which scores n views.
func openViews(t *testing.T, n int) *siamese.Model {
	t.Helper()
	model, err := siamese.Open(t.Context(), "omniglot", siamese.Options{Run: tfmodel.Options{}, Cache: t.TempDir(), TestTimeViews: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return model
}

// viewsOf are the first n views of a file as images.
func viewsOf(t *testing.T, model *siamese.Model, file string, n int) []siamese.Image {
	t.Helper()
	picture, err := model.Prepare(siamese.File(file))
	if err != nil {
		t.Fatal(err)
	}
	made, err := views.Of(picture, n)
	if err != nil {
		t.Fatal(err)
	}
	var images []siamese.Image
	for _, view := range made {
		images = append(images, siamese.Prepared(view))
	}
	return images
}

// TestViewsAreAveraged: what a model with several views says is the mean of what one
// without says of each.
func TestViewsAreAveraged(t *testing.T) {
	const n = 3
	alone, several := openViews(t, 0), openViews(t, n)
	a, b := viewsOf(t, alone, glyphA, n), viewsOf(t, alone, glyphB, n)
	similarity := func(a, b siamese.Image) float64 {
		result, err := alone.Compare(t.Context(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		return float64(result.Similarity)
	}
	var ofA, ofB float64
	for _, view := range a {
		ofA += similarity(view, b[0])
	}
	for _, view := range b[1:] {
		ofB += similarity(a[0], view)
	}
	got, err := several.Compare(t.Context(), siamese.File(glyphA), siamese.File(glyphB))
	if want := (ofA + ofB) / (2*n - 1); err != nil || math.Abs(float64(got.Similarity)-want) > tolerance {
		t.Errorf("Compare = %v, %v, want %v", got.Similarity, err, want)
	}
	swapped, err := several.Compare(t.Context(), siamese.File(glyphB), siamese.File(glyphA))
	if err != nil || swapped.Similarity != got.Similarity {
		t.Errorf("swapped: %v, %v, want %v", swapped.Similarity, err, got.Similarity)
	}
	ranking, err := several.Rank(t.Context(), siamese.File(glyphA), []siamese.Image{siamese.File(glyphB)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := float64(ranking.Matches[0].Similarity), ofA/n; math.Abs(got-want) > tolerance {
		t.Errorf("Rank = %v, want %v: the query's views alone", got, want)
	}
	checkEncoded(t, several, n, got.Similarity, ranking.Matches[0].Similarity)
}

// checkEncoded: images that were encoded before are scored as the files are.
func checkEncoded(t *testing.T, model *siamese.Model, views int, both, queryAlone float32) {
	t.Helper()
	inViews, err := model.EncodeViews(t.Context(), siamese.File(glyphA), siamese.File(glyphB))
	if err != nil {
		t.Fatal(err)
	}
	once, err := model.Encode(t.Context(), siamese.File(glyphB))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		b    siamese.Image
		want float32
	}{
		{"both in views", inViews[1].Image(), both},
		{"one in views", once[0].Image(), queryAlone},
		{"one an embedding", siamese.Embedded(inViews[1].Embedding), queryAlone},
	} {
		got, err := model.Compare(t.Context(), inViews[0].Image(), tt.b)
		if err != nil || math.Abs(float64(got.Similarity-tt.want)) > tolerance {
			t.Errorf("%s: %v, %v, want %v", tt.name, got.Similarity, err, tt.want)
		}
	}
	var mean float64
	all := append([][]float32{inViews[0].Embedding}, inViews[0].Moved()...)
	for _, view := range all {
		got, err := model.Compare(t.Context(), siamese.Embedded(view), once[0].Image())
		if err != nil {
			t.Fatal(err)
		}
		mean += float64(got.Similarity) / float64(len(all))
	}
	if len(all) != views || len(once[0].Moved()) != 0 || math.Abs(mean-float64(queryAlone)) > tolerance {
		t.Errorf("one by one %d views have %v on average, and a picture alone %d moved, want %v of %d and none", len(all), mean, len(once[0].Moved()), queryAlone, views)
	}
}

func TestOpenRefusesViewsThatThereAreNoneOf(t *testing.T) {
	for _, n := range []int{-1, 17} {
		_, err := siamese.Open(t.Context(), "omniglot", siamese.Options{TestTimeViews: n})
		if err == nil || !strings.Contains(err.Error(), "expected 0 to 16") {
			t.Errorf("Open with %d views: %v, want an error that says how many there may be", n, err)
		}
	}
}
