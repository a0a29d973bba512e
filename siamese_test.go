package siamese_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"
	"testing"

	"siamese"
	"siamese/imaging"
)

// Three drawings: A and B are of one character, C is of another.
const (
	glyphA = "testdata/omniglot/Greek/character01/0394_01.png"
	glyphB = "testdata/omniglot/Greek/character01/0394_02.png"
	glyphC = "testdata/omniglot/Greek/character02/0395_01.png"
	noFile = "testdata/omniglot/none.png"
	noPNG  = "testdata/omniglot/README.md"
)

// Painted pictures of one hilly place, as it is and at dusk, and of another thing.
const (
	hills = "testdata/photos/hills.jpg"
	balls = "testdata/photos/balls.webp"
)

// builtIn opens the built-in model for handwriting once for all tests.
var builtIn = sync.OnceValues(func() (*siamese.Model, error) {
	return siamese.Open(context.Background(), "omniglot", siamese.Options{})
})

func open(t *testing.T) *siamese.Model {
	t.Helper()
	model, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// tolerance is how far a similarity may be off that was computed in another batch:
// sums are added up in another order.
const tolerance = 1e-5

func TestCompareIsSymmetric(t *testing.T) {
	model := open(t)
	data, err := os.ReadFile(glyphB)
	if err != nil {
		t.Fatal(err)
	}
	a, b := siamese.File(glyphA), siamese.Bytes(data)
	ab, err := model.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	ba, err := model.Compare(t.Context(), b, a)
	ba.A, ba.B = ba.B, ba.A
	if err != nil || ab != ba {
		t.Errorf("Compare(b, a) = %+v, %v, want Compare(a, b) = %+v the other way round", ba, err, ab)
	}
	ac, err := model.Compare(t.Context(), a, siamese.File(glyphC))
	if err != nil || !ab.Same || ac.Same || ac.Similarity >= ab.Similarity {
		t.Errorf("Compare = %+v for one character and %+v, %v for two, want the first one same", ab, ac, err)
	}
}

// TestEncodedComparesAlike: images that are encoded once are answered as they would be
// otherwise, and are as familiar.
func TestEncodedComparesAlike(t *testing.T) {
	model := open(t)
	want, err := model.Compare(t.Context(), siamese.File(glyphA), siamese.File(hills))
	if err != nil || !want.B.Foreign {
		t.Fatalf("Compare = %+v, %v; want a photograph foreign to omniglot", want, err)
	}
	encoded, err := model.Encode(t.Context(), siamese.File(glyphA), siamese.File(hills))
	if err != nil {
		t.Fatal(err)
	}
	got, err := model.Compare(t.Context(), encoded[0].Image(), encoded[1].Image())
	if err != nil || math.Abs(float64(got.Similarity-want.Similarity)) > tolerance || got.B != want.B || got.A.Foreign {
		t.Errorf("Compare of encoded images = %+v, %v; want %+v", got, err, want)
	}
	_, err = model.Encode(t.Context(), siamese.File(glyphA), siamese.File(noPNG))
	if failure, ok := errors.AsType[*siamese.ImageError](err); !ok || failure.Index != 1 {
		t.Errorf("Encode with an unusable image = %v, want an *ImageError with index 1", err)
	}
}

// TestEmbeddedComparesAlike: an image, its picture and its embedding are answered
// alike.
func TestEmbeddedComparesAlike(t *testing.T) {
	model := open(t)
	a, b := siamese.File(glyphA), siamese.File(glyphB)
	want, err := model.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	embeddings, err := model.Embed(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := model.Prepare(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, give := range map[string]siamese.Image{"embedded": siamese.Embedded(embeddings[0]), "prepared": siamese.Prepared(picture)} {
		got, err := model.Compare(t.Context(), a, give)
		if off := math.Abs(float64(got.Similarity - want.Similarity)); err != nil || off > tolerance {
			t.Errorf("%s: Compare = %+v, %v, want %+v", name, got, err, want)
		}
	}
}

// TestPrepareWithThumbnail: the picture is that of Prepare, and the thumbnail the whole
// image, no larger than it was asked for.
func TestPrepareWithThumbnail(t *testing.T) {
	model := open(t)
	encoded, err := os.ReadFile(hills)
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Prepare(siamese.Bytes(encoded))
	if err != nil {
		t.Fatal(err)
	}
	picture, thumbnail, err := model.PrepareWithThumbnail(encoded, 48)
	if err != nil || !bytes.Equal(picture.Pix, want.Pix) {
		t.Errorf("the picture is not that of Prepare: %v", err)
	}
	if max(thumbnail.Width, thumbnail.Height) != 48 || len(thumbnail.Pix) != 3*thumbnail.Width*thumbnail.Height {
		t.Errorf("the thumbnail is %d×%d with %d bytes, want a longer side of 48", thumbnail.Width, thumbnail.Height, len(thumbnail.Pix))
	}
	if _, _, err := model.PrepareWithThumbnail([]byte("no picture"), 48); err == nil {
		t.Error("what is no picture has a thumbnail")
	} else if _, ok := errors.AsType[*siamese.ImageError](err); !ok {
		t.Errorf("what is no picture: %v, want an *ImageError", err)
	}
}

func TestRankSortsAndTellsFailures(t *testing.T) {
	ranking, err := open(t).Rank(t.Context(), siamese.File(glyphA), []siamese.Image{
		siamese.File(glyphC), siamese.File(noPNG), siamese.File(glyphB), siamese.File(noFile),
	})
	if err != nil {
		t.Fatal(err)
	}
	var order, failed []int
	for _, match := range ranking.Matches {
		order = append(order, match.Index)
	}
	for _, failure := range ranking.Failed {
		failed = append(failed, failure.Index)
	}
	if !slices.Equal(order, []int{2, 0}) || !slices.Equal(failed, []int{1, 3}) || !ranking.Matches[0].Same || ranking.Matches[1].Same {
		t.Errorf("Rank = %+v, want candidates 2 (same) and 0 (different), failures 1 and 3", ranking)
	}
	none, err := open(t).Rank(t.Context(), siamese.File(glyphA), nil)
	if err != nil || len(none.Matches) != 0 {
		t.Errorf("Rank without candidates = %+v, %v, want nothing", none, err)
	}
}

func TestImagesAreRefused(t *testing.T) {
	model := open(t)
	embedding := func(value float32) []float32 {
		values := make([]float32, 4608)
		values[4607] = value
		return values
	}
	tests := []struct {
		name string
		give siamese.Image
		want error
	}{
		{"nothing", siamese.Image{}, &imaging.Error{Reason: imaging.ReasonEmpty}},
		{"no image", siamese.File(noPNG), &imaging.Error{Reason: imaging.ReasonFormatUnknown}},
		{"no file", siamese.File(noFile), fs.ErrNotExist},
		{"a picture of another size", siamese.Prepared(&imaging.Picture{Width: 1, Height: 1, Pix: make([]byte, 3)}), nil},
		{"an embedding of another length", siamese.Embedded([]float32{1}), nil},
		{"an embedding below 0", siamese.Embedded(embedding(-3e38)), nil},
		{"an embedding that no picture has", siamese.Embedded(embedding(3e38)), nil},
		{"an embedding with NaN", siamese.Embedded(embedding(float32(math.NaN()))), nil},
	}
	for _, tt := range tests {
		_, err := model.Compare(t.Context(), siamese.File(glyphA), tt.give)
		failure, ok := errors.AsType[*siamese.ImageError](err)
		if !ok || failure.Index != 1 || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: Compare = %v, want image 1 refused with %v", tt.name, err, tt.want)
		}
		if _, err := model.Rank(t.Context(), tt.give, nil); err == nil {
			t.Errorf("%s: Rank took it for a query", tt.name)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	two := float32(2)
	if _, err := siamese.Open(t.Context(), "", siamese.Options{Threshold: &two}); err == nil {
		t.Error("a threshold of 2 was taken")
	}
	if _, err := siamese.Open(t.Context(), noFile, siamese.Options{}); err == nil {
		t.Error("a file that is not there was opened")
	}
}

func TestThresholdDecides(t *testing.T) {
	highest := float32(1)
	model, err := siamese.Open(t.Context(), "omniglot", siamese.Options{Threshold: &highest})
	if err != nil {
		t.Fatal(err)
	}
	result, err := model.Compare(t.Context(), siamese.File(glyphA), siamese.File(glyphB))
	if err != nil || result.Same || model.Threshold() != 1 {
		t.Errorf("Compare at threshold 1 = %+v, %v, want different", result, err)
	}
	if err := errors.Join(model.Close(), model.Close()); err != nil {
		t.Errorf("Close twice = %v", err)
	}
	if _, err := model.Compare(t.Context(), siamese.File(glyphA), siamese.File(glyphB)); err == nil {
		t.Error("Compare after Close gave an answer")
	}
}

func Example() {
	ctx := context.Background()
	model, err := siamese.Open(ctx, "", siamese.Options{}) // the built-in model for pictures
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	result, err := model.Compare(ctx, siamese.File(hills), siamese.File(balls))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("same:", result.Same)
	// Output: same: false
}

func ExampleModel_Rank() {
	ctx := context.Background()
	model, err := siamese.Open(ctx, "omniglot", siamese.Options{}) // the one for handwriting
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	files := []string{glyphC, glyphB}
	ranking, err := model.Rank(ctx, siamese.File(glyphA), []siamese.Image{siamese.File(files[0]), siamese.File(files[1])})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, match := range ranking.Matches {
		fmt.Println(files[match.Index], match.Same)
	}
	// Output:
	// testdata/omniglot/Greek/character01/0394_02.png true
	// testdata/omniglot/Greek/character02/0395_01.png false
}

// TestFamiliarity: a model says which images it does not know.
func TestFamiliarity(t *testing.T) {
	general, err := siamese.Open(t.Context(), "general", siamese.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := general.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, tt := range []struct {
		name    string
		model   *siamese.Model
		image   string
		foreign bool
	}{
		{"a painted landscape to general", general, hills, false},
		{"a drawing to general", general, glyphA, true},
		{"a drawing to omniglot", open(t), glyphA, false},
		{"a painted landscape to omniglot", open(t), hills, true},
	} {
		result, err := tt.model.Compare(t.Context(), siamese.File(tt.image), siamese.File(tt.image))
		if err != nil {
			t.Fatal(err)
		}
		if got := result.A; got.Foreign != tt.foreign || result.B != got || !(got.Value >= 0 && got.Value <= 1) {
			t.Errorf("%s: familiarity %+v and %+v, want foreign %t of both", tt.name, got, result.B, tt.foreign)
		}
	}
}
