package imaging

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTurningMovesTheArea(t *testing.T) {
	// Of 10x6 pixels the last column counts by half, the last row by a quarter.
	source := pixels{width: 10, height: 6, area: area{right: 9.5, bottom: 5.25}, read: rgbRows(make([]byte, 10*6*3), 10)}
	tests := []struct {
		give       orientation
		wantWidth  int
		wantHeight int
		want       area
	}{
		{upright, 10, 6, area{0, 0, 9.5, 5.25}},
		{mirrored, 10, 6, area{0.5, 0, 10, 5.25}},
		{upsideDown, 10, 6, area{0.5, 0.75, 10, 6}},
		{flipped, 10, 6, area{0, 0.75, 9.5, 6}},
		{transposed, 6, 10, area{0, 0, 5.25, 9.5}},
		{quarterTurnLeft, 6, 10, area{0.75, 0, 6, 9.5}},
		{transversed, 6, 10, area{0.75, 0.5, 6, 10}},
		{quarterTurnRight, 6, 10, area{0, 0.5, 5.25, 10}},
	}
	for _, tt := range tests {
		got := tt.give.apply(source, new(scratch))
		if got.width != tt.wantWidth || got.height != tt.wantHeight {
			t.Errorf("orientation %d made %dx%d pixels, want %dx%d", tt.give, got.width, got.height, tt.wantWidth, tt.wantHeight)
		}
		if diff := cmp.Diff(tt.want, got.area, cmp.AllowUnexported(area{})); diff != "" {
			t.Errorf("orientation %d, area (-want +got):\n%s", tt.give, diff)
		}
	}
}

// rampDiff is what rounding to levels, twice, may cost.
const rampDiff = 1.5

func TestResampleScalesTheAreaAlone(t *testing.T) {
	const size, output, slope = 40, 8, 6.0
	ramp := make([]byte, size*size*3)
	for i := range ramp {
		ramp[i] = byte(slope * (float64(i/3%size) + 0.5))
	}
	for _, part := range []area{{0, 0, 40, 40}, {0, 0, 39.25, 40}, {0.75, 0, 40, 40}} {
		got := newPicture(output, output)
		l := layout{scaledWidth: output, scaledHeight: output, filter: bilinear, width: output, height: output}
		resample(got, pixels{width: size, height: size, area: part, read: rgbRows(ramp, size)}, l, new(scratch))
		for x := 1; x < output-1; x++ { // the ends have half a window
			want := slope * (part.left + (float64(x)+0.5)*(part.right-part.left)/output)
			if diff := float64(got.Pix[x*3]) - want; diff > rampDiff || diff < -rampDiff {
				t.Errorf("area %v: sample %d is %d, want %.1f", part, x, got.Pix[x*3], want)
			}
		}
	}
}

func TestResampleKeepsWhatNeedsNoScalingOnlyWhenWhole(t *testing.T) {
	whole := stretch{size: 8, end: 8, outSize: 8}
	if taps := axis(whole, 0, 8, bilinear); taps != nil {
		t.Errorf("axis(%+v) = %d taps, want none", whole, len(taps))
	}
	part := stretch{size: 8, end: 7.5, outSize: 8}
	if taps := axis(part, 0, 8, bilinear); len(taps) != 8 {
		t.Errorf("axis(%+v) = %d taps, want 8", part, len(taps))
	}
}
