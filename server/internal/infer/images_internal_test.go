package infer

import (
	"testing"

	"siamese/imaging"
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
func TestImagesOfTheSameSourceAreShared(t *testing.T) {
	raw := func(width, height int, data string) Source {
		return Raw{Width: width, Height: height, Channels: imaging.Gray, Pixels: []byte(data)}
	}
	file := Encoded("12345678")
	tests := []struct {
		name         string
		giveA, giveB Source
		wantShared   bool
	}{
		{"same file", file, Encoded("12345678"), true},
		{"other file", file, Encoded("12345679"), false},
		{"same pixels", raw(2, 4, "12345678"), raw(2, 4, "12345678"), true},
		{"pixels in another shape", raw(2, 4, "12345678"), raw(4, 2, "12345678"), false},
		{"pixels and a file of the same bytes", raw(2, 4, "12345678"), file, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			images := newImages(&engine{cache: noCache(t)}, ImagesConfig{})
			if shared := images.Add(tt.giveA) == images.Add(tt.giveB); shared != tt.wantShared {
				t.Errorf("shared = %v, want %v", shared, tt.wantShared)
			}
		})
	}
}
