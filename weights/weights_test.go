package weights_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	one := weights.Tensor{Name: "a", Shape: []int{1}, Data: []float32{1}}
	tests := []struct {
		name string
		give []weights.Tensor
	}{
		{"no name", []weights.Tensor{{Shape: []int{1}, Data: []float32{1}}}},
		{"same name twice", []weights.Tensor{one, one}},
		{"too few values", []weights.Tensor{{Name: "a", Shape: []int{2}, Data: []float32{1}}}},
		{"too many values", []weights.Tensor{{Name: "a", Shape: []int{1}, Data: []float32{1, 2}}}},
		{"empty scalar", []weights.Tensor{{Name: "a"}}},
		{"zero dimension", []weights.Tensor{{Name: "a", Shape: []int{0}}}},
		{"negative dimensions", []weights.Tensor{{Name: "a", Shape: []int{-1, -1}, Data: []float32{1}}}},
		{"product that wraps to the length", []weights.Tensor{{Name: "a", Shape: []int{1 << 32, 1 << 32, 2}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if set, err := weights.New(tt.give...); !errors.Is(err, weights.ErrInvalid) {
				t.Errorf("New() = %v, %v, want %v", set, err, weights.ErrInvalid)
			}
		})
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	b := weights.Tensor{Name: "b", Shape: []int{2, 1}, Data: []float32{1, 2}}
	a := weights.Tensor{Name: "a", Data: []float32{3}}
	set := newSet(t, b, a)
	if got := set.Len(); got != 2 {
		t.Errorf("Len() = %d, want 2", got)
	}
	if diff := cmp.Diff([]string{"b", "a"}, set.Names()); diff != "" {
		t.Errorf("Names() (-want +got):\n%s", diff)
	}
	if diff := diffTensors([]weights.Tensor{b, a}, set); diff != "" {
		t.Errorf("All() (-want +got):\n%s", diff)
	}
	got, ok := set.Get("a")
	if diff := cmp.Diff(a, got); !ok || diff != "" {
		t.Errorf("Get(a) = %v (-want +got):\n%s", ok, diff)
	}
	if got, ok := set.Get("c"); ok {
		t.Errorf("Get(c) = %v, true, want false", got)
	}
}

// TestDigestBytes spells out what is hashed.
func TestDigestBytes(t *testing.T) {
	t.Parallel()
	set := newSet(t,
		weights.Tensor{Name: "b", Shape: []int{2, 1}, Data: []float32{1, -2}},
		weights.Tensor{Name: "a", Data: []float32{0.5}},
	)
	sum := sha256.Sum256([]byte("" +
		"\x01\x00\x00\x00a" + "\x00\x00\x00\x00" + "\x00\x00\x00\x3f" +
		"\x01\x00\x00\x00b" + "\x02\x00\x00\x00" +
		"\x02\x00\x00\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x80\x3f" + "\x00\x00\x00\xc0"))
	if got, want := set.Digest(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("Digest() = %s, want %s", got, want)
	}
}

func TestDigestTellsSetsApart(t *testing.T) {
	t.Parallel()
	tensors := tinyTensors()
	digest := newSet(t, tensors...).Digest()

	slices.Reverse(tensors)
	if got := newSet(t, tensors...).Digest(); got != digest {
		t.Errorf("Digest() of another order = %s, want %s", got, digest)
	}
	changed := map[string]func(*weights.Tensor){
		"name":  func(t *weights.Tensor) { t.Name += "x" },
		"shape": func(t *weights.Tensor) { t.Shape = append([]int{1}, t.Shape...) },
		"value": func(t *weights.Tensor) { t.Data[0] = math.Nextafter32(t.Data[0], 2) },
	}
	for name, change := range changed {
		tensors := tinyTensors()
		change(&tensors[7])
		if got := newSet(t, tensors...).Digest(); got == digest {
			t.Errorf("Digest() with another %s = %s, want another", name, got)
		}
	}
}
