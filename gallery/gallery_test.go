package gallery_test

import (
	"testing"
	"time"

	"siamese/gallery"
)

func TestAnEntryWithoutAThingIsOneByItself(t *testing.T) {
	if got := (&gallery.Entry{ID: "id"}).Name(); got != "id" {
		t.Errorf("Name() = %q, want the id", got)
	}
	if got := (&gallery.Entry{ID: "id", Thing: "thing"}).Name(); got != "thing" {
		t.Errorf("Name() = %q, want the thing", got)
	}
}

func TestSame(t *testing.T) {
	base := func() gallery.Entry {
		return gallery.Entry{
			ID: "id", Thing: "thing", Metadata: map[string]string{"a": "b"}, ModelDigest: digest,
			Embedding: gallery.NewVector([]float32{1, 2}), PictureDigest: [32]byte{1}, Enrolled: time.Unix(1, 0),
		}
	}
	for name, tt := range map[string]struct {
		change func(e *gallery.Entry)
		want   bool
	}{
		"nothing":          {func(*gallery.Entry) {}, true},
		"when enrolled":    {func(e *gallery.Entry) { e.Enrolled = time.Unix(2, 0) }, true},
		"what is kept":     {func(e *gallery.Entry) { e.Picture, e.Thumbnail = []byte{1}, []byte{2} }, true},
		"the id":           {func(e *gallery.Entry) { e.ID = "other" }, false},
		"the thing":        {func(e *gallery.Entry) { e.Thing = "" }, false},
		"the metadata":     {func(e *gallery.Entry) { e.Metadata["a"] = "c" }, false},
		"more metadata":    {func(e *gallery.Entry) { e.Metadata["b"] = "" }, false},
		"the model":        {func(e *gallery.Entry) { e.ModelDigest = "other" }, false},
		"the picture":      {func(e *gallery.Entry) { e.PictureDigest = [32]byte{2} }, false},
		"the embedding":    {func(e *gallery.Entry) { e.Embedding = gallery.NewVector([]float32{1, 3}) }, false},
		"the whole length": {func(e *gallery.Entry) { e.Embedding = gallery.NewVector([]float32{1, 2, 3}) }, false},
	} {
		one, other := base(), base()
		tt.change(&other)
		if one.Same(&other) != tt.want || other.Same(&one) != tt.want {
			t.Errorf("with %s changed Same = %t, and %t the other way, want %t", name, one.Same(&other), other.Same(&one), tt.want)
		}
	}
}

func TestFilter(t *testing.T) {
	e := &gallery.Entry{Metadata: map[string]string{"a": "1", "b": ""}}
	for _, tt := range []struct {
		filter gallery.Filter
		want   bool
	}{
		{nil, true}, {gallery.Filter{}, true}, {gallery.Filter{"a": "1"}, true}, {gallery.Filter{"a": "1", "b": ""}, true},
		{gallery.Filter{"a": "2"}, false}, {gallery.Filter{"a": "1", "c": ""}, false}, {gallery.Filter{"b": "1"}, false},
	} {
		if got := tt.filter.Selects(e); got != tt.want {
			t.Errorf("%v selects %v = %t, want %t", tt.filter, e.Metadata, got, tt.want)
		}
	}
}
