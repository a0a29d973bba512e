package webcam_test

import (
	"errors"
	"image"
	"testing"

	"siamese/client/webcam"
)

func TestParseRegion(t *testing.T) {
	size := image.Pt(640, 480)
	tests := []struct {
		give string
		want image.Rectangle
	}{
		{"full", image.Rect(0, 0, 640, 480)},
		{"", image.Rect(0, 0, 640, 480)},
		{"centre", image.Rect(140, 60, 500, 420)},
		{"10,20,100,50", image.Rect(10, 20, 110, 70)},
		{" 0, 0 ,640,480", image.Rect(0, 0, 640, 480)},
	}
	for _, tt := range tests {
		region, err := webcam.ParseRegion(tt.give)
		if err != nil {
			t.Errorf("ParseRegion(%q) = %v", tt.give, err)
			continue
		}
		if got, err := region.In(size); err != nil || got != tt.want {
			t.Errorf("ParseRegion(%q).In(%v) = %v, %v, want %v", tt.give, size, got, err, tt.want)
		}
		again, err := webcam.ParseRegion(region.String())
		if err != nil || again != region {
			t.Errorf("ParseRegion(%q) = %v, %v, want %v", region.String(), again, err, region)
		}
	}
}

func TestParseRegionRefuses(t *testing.T) {
	for _, give := range []string{"middle", "1,2,3", "1,2,3,4,5", "a,0,50,50", "-1,0,50,50", "0,0,0,0", "0,0,7,50", "0,0,400,10", "1.5,0,50,50"} {
		if _, err := webcam.ParseRegion(give); !errors.Is(err, webcam.ErrRegion) {
			t.Errorf("ParseRegion(%q) = %v, want ErrRegion", give, err)
		}
	}
}

func TestRegionOutsideThePicture(t *testing.T) {
	for _, give := range []string{"600,0,50,50", "0,470,50,50", "640,480,10,10"} {
		region, err := webcam.ParseRegion(give)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := region.In(image.Pt(640, 480)); !errors.Is(err, webcam.ErrRegion) {
			t.Errorf("region %s in 640x480 = %v, %v, want ErrRegion", give, got, err)
		}
	}
}
