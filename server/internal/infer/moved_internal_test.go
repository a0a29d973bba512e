package infer

import (
	"slices"
	"testing"
)

// viewWith is a view with this embedding and those of its further views.
func viewWith(own float32, further ...float32) *View {
	v := &View{embedding: []float32{1, own}}
	for _, embedding := range further {
		v.moved = append(v.moved, moved{embedding: []float32{2, embedding}})
	}
	return v
}

// A run of the head may round by a pair's place in it, so that swapped images have to be
// scored in the same order.
func TestPairsOfSwappedImagesAreInOneOrder(t *testing.T) {
	tests := []struct {
		name string
		a, b *View
		want int // pairs
	}{
		{"alone", viewWith(1), viewWith(2), 1},
		{"views of both", viewWith(1, 11, 12), viewWith(2, 21, 22), 5},
		{"views of one", viewWith(1, 11, 12), viewWith(2), 3},
		{"the same embedding, views of one", viewWith(1, 11, 12), viewWith(1), 3},
	}
	for _, tt := range tests {
		got, swapped := (&Score{A: tt.a, B: tt.b}).pairs(), (&Score{A: tt.b, B: tt.a}).pairs()
		same := func(x, y headPair) bool { return slices.Equal(x.a, y.a) && slices.Equal(x.b, y.b) }
		if len(got) != tt.want || !slices.EqualFunc(got, swapped, same) {
			t.Errorf("%s: %v, swapped %v, want the same %d pairs in one order", tt.name, got, swapped, tt.want)
		}
	}
	query := (&Score{A: viewWith(2, 21), B: viewWith(1, 11), oneSided: true}).pairs()
	if len(query) != 2 || query[0].a[1] != 2 || query[1].a[1] != 21 || query[1].b[1] != 1 {
		t.Errorf("a query's pairs are %v, want its views with the candidate as it is", query)
	}
}
