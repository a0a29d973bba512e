package gallery_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"siamese/gallery"
)

func sparse(t *testing.T, length int, indexes []uint32, values ...float32) gallery.Vector {
	t.Helper()
	v, err := gallery.SparseVector(length, indexes, values)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectorIsItsEmbedding(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		whole := make([]float32, random.IntN(50))
		share := random.Float64()
		nonZero := 0
		for i := range whole {
			if random.Float64() < share {
				whole[i] = float32(random.NormFloat64())
				nonZero++
			}
		}
		v := gallery.NewVector(whole)
		want := slices.Clone(whole)
		clear(whole) // the vector keeps nothing of it
		if got := v.AppendTo(nil); v.Length() != len(want) || !slices.Equal(got, want) {
			t.Fatalf("NewVector(%v).AppendTo = %v", want, got)
		}
		if v.IsSparse() != (2*nonZero < len(want)) || v.IsSparse() && v.Stored() != nonZero {
			t.Errorf("of %d numbers, %d not 0: IsSparse() = %t, Stored() = %d", len(want), nonZero, v.IsSparse(), v.Stored())
		}
		used := slices.Repeat([]float32{9}, 100)[:3]
		if got := v.AppendTo(used); !slices.Equal(got, append([]float32{9, 9, 9}, want...)) {
			t.Errorf("AppendTo what was used before = %v, want 9, 9, 9 and %v", got, want)
		}
		stored := 0
		for i, value := range v.All() {
			if want[i] != value {
				t.Errorf("All yields %v at %d, want %v", value, i, want[i])
			}
			stored++
		}
		if stored != v.Stored() {
			t.Errorf("All yields %d numbers, want %d", stored, v.Stored())
		}
	}
}

func TestAllEndsEarly(t *testing.T) {
	for i, value := range sparse(t, 9, []uint32{3, 4}, 1, 2).All() {
		if i != 3 || value != 1 {
			t.Fatalf("All yields %v at %d, want 1 at 3 first", value, i)
		}
		break
	}
}

func TestSparseVectorOfZeros(t *testing.T) {
	v, err := gallery.SparseVector(3, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.AppendTo(nil); !v.IsSparse() || !slices.Equal(got, []float32{0, 0, 0}) {
		t.Errorf("SparseVector of nothing: IsSparse() = %t, AppendTo(nil) = %v, want true and zeros", v.IsSparse(), got)
	}
}

func TestSparseVectorRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		length  int
		indexes []uint32
		values  []float32
	}{
		{"fewer values", 5, []uint32{1, 2}, []float32{1}},
		{"more than the length", 1, []uint32{0, 1}, []float32{1, 2}},
		{"descending", 5, []uint32{2, 1}, []float32{1, 2}},
		{"twice the same", 5, []uint32{1, 1}, []float32{1, 2}},
		{"the length", 5, []uint32{5}, []float32{1}},
		{"far beyond", 5, []uint32{math.MaxUint32}, []float32{1}},
		{"a negative length", -1, nil, nil},
	} {
		if v, err := gallery.SparseVector(tt.length, tt.indexes, tt.values); err == nil {
			t.Errorf("%s: SparseVector = %v, want an error", tt.name, v)
		}
	}
}

func TestEqualIsBitForBit(t *testing.T) {
	nan, negative := float32(math.NaN()), float32(math.Copysign(0, -1))
	if !gallery.NewVector([]float32{nan, 1}).Equal(gallery.NewVector([]float32{nan, 1})) {
		t.Error("a vector with NaN does not equal the same")
	}
	a := sparse(t, 9, []uint32{3}, 1)
	for _, other := range []gallery.Vector{
		sparse(t, 9, []uint32{4}, 1), sparse(t, 8, []uint32{3}, 1), sparse(t, 9, []uint32{3}, 2), sparse(t, 9, nil), {},
	} {
		if a.Equal(other) || other.Equal(a) {
			t.Errorf("%v equals %v", a, other)
		}
	}
	if !a.Equal(sparse(t, 9, []uint32{3}, 1)) {
		t.Errorf("%v does not equal the same", a)
	}
	if gallery.NewVector([]float32{0, 1}).Equal(gallery.NewVector([]float32{negative, 1})) {
		t.Error("0 equals -0")
	}
}
