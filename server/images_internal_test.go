package server

import (
	"testing"

	pb "siamese/proto/siamese/v1"
	"siamese/server/cache"
)

func noCache(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whether a picture is decoded once or twice can't be told from outside.
func TestImageSetSharesMembersOfTheSameSource(t *testing.T) {
	file := func(data string) *pb.Image {
		return &pb.Image{Source: &pb.Image_Encoded{Encoded: []byte(data)}}
	}
	raw := func(width, height uint32, data string) *pb.Image {
		return &pb.Image{Source: &pb.Image_Raw{Raw: &pb.RawPixels{
			Width: width, Height: height, Format: pb.PixelFormat_PIXEL_FORMAT_GRAY8, Data: []byte(data),
		}}}
	}
	tests := []struct {
		name         string
		giveA, giveB *pb.Image
		wantShared   bool
	}{
		{"same file", file("12345678"), file("12345678"), true},
		{"other file", file("12345678"), file("12345679"), false},
		{"same pixels", raw(2, 4, "12345678"), raw(2, 4, "12345678"), true},
		{"pixels in another shape", raw(2, 4, "12345678"), raw(4, 2, "12345678"), false},
		{"pixels and a file of the same bytes", raw(2, 4, "12345678"), file("12345678"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := newImageSet(&engine{cache: noCache(t)}, false)
			if shared := set.add(tt.giveA) == set.add(tt.giveB); shared != tt.wantShared {
				t.Errorf("shared = %v, want %v", shared, tt.wantShared)
			}
		})
	}
}
