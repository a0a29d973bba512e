package postgres

import (
	"errors"
	"math"
	"testing"

	"siamese/gallery"
)

func vectors(t testing.TB) []gallery.Vector {
	t.Helper()
	wide, err := gallery.SparseVector(1<<20, []uint32{0, 1, 300, 1<<20 - 1}, []float32{1, -0.5, 1e-40, math.MaxFloat32})
	if err != nil {
		t.Fatal(err)
	}
	return []gallery.Vector{
		{}, wide, gallery.NewVector([]float32{1}), gallery.NewVector(make([]float32, 4608)),
		gallery.NewVector([]float32{0.1, float32(math.Copysign(0, -1)), -3, math.SmallestNonzeroFloat32}),
		gallery.NewVector([]float32{0, 0, 0, 7, 0, 0, 0, 0}),
	}
}

func TestEmbeddingForms(t *testing.T) {
	for _, want := range vectors(t) {
		data := encodeEmbedding(want)
		got, err := decodeEmbedding(data)
		if err != nil || !got.Equal(want) {
			t.Errorf("decodeEmbedding(encodeEmbedding(%v)) = %v, %v, want the same", want, got, err)
		}
		for size := range data {
			if v, err := decodeEmbedding(data[:size]); !errors.Is(err, gallery.ErrDamaged) {
				t.Errorf("decodeEmbedding() of %d of %d bytes = %v, %v, want %v", size, len(data), v, err, gallery.ErrDamaged)
			}
		}
		if v, err := decodeEmbedding(append(data, 0)); !errors.Is(err, gallery.ErrDamaged) {
			t.Errorf("decodeEmbedding() of %d bytes and one more = %v, %v, want %v", len(data), v, err, gallery.ErrDamaged)
		}
	}
}

// FuzzEmbedding decodes what may be in a row.
func FuzzEmbedding(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(encodeEmbedding(v))
	}
	f.Add([]byte{formSparse, 0xff, 0xff, 0xff, 0xff, 0x0f, 1})
	f.Add([]byte{formDense, 0x80, 0x80, 0x80, 0x08})
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeEmbedding(data)
		if err != nil {
			if !errors.Is(err, gallery.ErrDamaged) {
				t.Errorf("decodeEmbedding(%x) = %v, want %v", data, err, gallery.ErrDamaged)
			}
			return
		}
		again, err := decodeEmbedding(encodeEmbedding(v))
		if err != nil || !again.Equal(v) {
			t.Errorf("decodeEmbedding(%x) = %v, which comes back as %v, %v", data, v, again, err)
		}
	})
}

func TestNearVectors(t *testing.T) {
	weights := make([]float32, 3000)
	for i := range weights {
		weights[i] = float32(i % 3)
	}
	sparse, err := gallery.NewMetric("m", weights)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]float32, 3000)
	numbers[0], numbers[1], numbers[2], numbers[2999] = 5, -6, 7, math.MaxFloat32
	got := near(gallery.NewVector(numbers), sparse)
	// 3,000 numbers, of which 3 have a weight: 1, 2 and, in bounds, 2999.
	want := "\x00\x00\x0b\xb8\x00\x00\x00\x03\x00\x00\x00\x00" + "\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x0b\xb7" + "\xc0\xc0\x00\x00\x41\x60\x00\x00\x71\x49\xf2\xca"
	if string(got.data) != want || got.wide {
		t.Errorf("near() = %x, wide %t, want %x, not wide", got.data, got.wide, want)
	}
	for i := range numbers {
		numbers[i] = 1
	}
	if got := near(gallery.NewVector(numbers), sparse); !got.wide || len(got.data) != 12+2000*8 {
		t.Errorf("near() of 2,000 weighted numbers = %d bytes, wide %t, want %d, wide", len(got.data), got.wide, 12+2000*8)
	}
	dense, err := gallery.NewMetric("m", []float32{2, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	got = near(gallery.NewVector([]float32{1, 9, -1}), dense)
	if want := "\x00\x03\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\xbf\x80\x00\x00"; string(got.data) != want || got.wide {
		t.Errorf("near() = %x, wide %t, want %x, not wide", got.data, got.wide, want)
	}
}
