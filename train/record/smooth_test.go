package record_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/train/record"
)

// goldenDigits is the rounding of the golden values, which were printed with 12 decimals.
const goldenDigits = 1e-11

// sawtooth is a jagged series: 18 values of ((37·i) mod 11)/10 + 1/(i+1).
func sawtooth() []float64 {
	values := make([]float64, 18)
	for i := range values {
		values[i] = float64(i*37%11)/10 + 1/float64(i+1)
	}
	return values
}

// The wanted values are what scipy.signal.savgol_filter(values, window, order)
// of SciPy 1.17.1 returns.
func TestSmoothEqualsSciPy(t *testing.T) {
	tests := []struct {
		name       string
		giveValues []float64
		giveWindow int
		want       []float64
	}{
		{
			name: "window 5", giveWindow: 5,
			giveValues: []float64{0.7, 0.69, 0.6, 0.65, 0.4, 0.42, 0.3},
			want: []float64{0.709428571429, 0.652285714286, 0.656571428571, 0.563428571429,
				0.484, 0.364, 0.314},
		},
		{
			name: "window 15", giveWindow: 15, giveValues: sawtooth(),
			want: []float64{1.012439902146, 0.912901018993, 0.837027981954, 0.780875921584, 0.740499968441,
				0.711955253083, 0.691296906067, 0.674580057951, 0.631209501911, 0.564460642498, 0.617685666742,
				0.567622073883, 0.521379157467, 0.485659810055, 0.467166924208, 0.472603392485, 0.508672107446,
				0.582075961652},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := record.Smooth(tt.giveValues, tt.giveWindow, 3)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateApprox(0, goldenDigits)); diff != "" {
				t.Errorf("Smooth differs from SciPy (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSmoothLeavesCubicsAlone(t *testing.T) {
	values := make([]float64, 40)
	for i := range values {
		x := float64(i) / 10
		values[i] = 2 - x + 0.5*x*x*x
	}
	got, err := record.Smooth(values, 15, 3)
	if err != nil {
		t.Fatal(err)
	}
	// A cubic is its own best cubic, up to rounding.
	if diff := cmp.Diff(values, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("Smooth changes a cubic (-want +got):\n%s", diff)
	}
}

func TestSmoothRefuses(t *testing.T) {
	tests := []struct {
		name                             string
		giveCount, giveWindow, giveOrder int
		want                             string
	}{
		{"an even window", 20, 4, 3, "odd window"},
		{"a window within the order", 20, 3, 3, "odd window above an order"},
		{"a negative order", 20, 5, -1, "order of 0 or more"},
		{"too few values", 4, 5, 3, "at least the window of 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := record.Smooth(make([]float64, tt.giveCount), tt.giveWindow, tt.giveOrder)
			wantError(t, err, tt.want)
		})
	}
}

// wantError fails unless the error's text holds the wanted part.
func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error = %v, want one with %q", err, part)
	}
}

var nan = math.NaN()
