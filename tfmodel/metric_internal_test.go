package tfmodel

import (
	"slices"
	"testing"
)

func TestDistanceWeights(t *testing.T) {
	tests := []struct {
		name        string
		first, last []float32
		want        []float32
	}{
		{"one entry a row", []float32{2, 0, 0, 3, 0, 0}, []float32{-1, -4}, []float32{2, 12, 0}},
		{"many entries a row", []float32{2, 1, 0.5, 3, 0, 0}, []float32{-1, -4}, []float32{6, 12.5, 0}},
		{"a little goes the other way", []float32{20, -1, -0.5, 30}, []float32{-1, -1}, []float32{19, 29.5}},
		{"a number that makes pairs more alike", []float32{-0.5, 0, 20, 30}, []float32{-1, -1}, []float32{0, 50}},
		{"as much goes either way", []float32{1, 2, 2, 1}, []float32{-1, 1}, nil},
		{"nothing goes anywhere", []float32{0, 0, 0, 0}, []float32{-1, 1}, nil},
	}
	for _, tt := range tests {
		if got := distanceWeights(tt.first, tt.last); !slices.Equal(got, tt.want) {
			t.Errorf("%s: distanceWeights = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestKernelsAreFoundByTheirShapes(t *testing.T) {
	architecture := Architecture{Height: 32, Width: 32, Blocks: [][]int{{2}, {2}, {2}, {2}, {3}}, Hidden: 2}
	first := Variable{"first/kernel", []int{3, 2}}
	last := Variable{"last/kernel", []int{2, 1}}
	read := func(variables ...Variable) *headReader {
		r := &headReader{architecture: architecture}
		for i, variable := range variables {
			values := slices.Repeat([]float32{float32(i + 1)}, variable.Size())
			if variable.Name == last.Name {
				values = []float32{-1, -1}
			}
			r.take(variable, values)
		}
		return r
	}
	bias := Variable{"first/bias", []int{2}}
	if got, want := read(first, bias, last).metricWeights(false), []float32{2, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("of a head by its shapes metricWeights = %v, want %v", got, want)
	}
	if got := read(first, bias).metricWeights(true); got != nil {
		t.Errorf("without the last layer metricWeights = %v, want none", got)
	}
	if got := read(last).metricWeights(true); got != nil {
		t.Errorf("without the first layer metricWeights = %v, want none", got)
	}
	if got := read(first, first, last).metricWeights(false); got != nil {
		t.Errorf("of two that may be the first layer metricWeights = %v, want none", got)
	}
	if got, want := read(first, first, last).metricWeights(true), []float32{4, 4, 4}; !slices.Equal(got, want) {
		t.Errorf("of the layers in their order metricWeights = %v, want %v, those of the later", got, want)
	}
}
