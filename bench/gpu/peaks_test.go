package gpu

import "testing"

func TestPeakOf(t *testing.T) {
	tests := []struct {
		card, precision string
		want            float64
	}{
		{"NVIDIA H200", "bfloat16", 989},
		{"NVIDIA H100 80GB HBM3", "tf32", 495},
		{"NVIDIA H100 PCIe", "float32", 51},
		{"NVIDIA A100-SXM4-80GB", "bfloat16", 312},
		{"Tesla T4", "bfloat16", 0},
		{"NVIDIA RTX A1000", "float32", 0},
		{"NVIDIA L40", "float32", 0},
		{"", "float32", 0},
	}
	for _, tt := range tests {
		if got, known := peakOf(tt.card, tt.precision); got != tt.want || known != (tt.want > 0) {
			t.Errorf("peakOf(%q, %s) = %v, %v; want %v", tt.card, tt.precision, got, known, tt.want)
		}
	}
}
