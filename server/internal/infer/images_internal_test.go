package infer

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"

	"siamese/imaging"
)

// Whether a picture is decoded once or twice can't be told from outside.
func TestImagesOfTheSameSourceAreShared(t *testing.T) {
	raw := func(width, height int, data string) Source {
		return Raw{Width: width, Height: height, Channels: imaging.Gray, Pixels: []byte(data)}
	}
	file := Encoded("12345678")
	// What is hashed of raw pixels, as a file.
	forged := func(domain string) Source {
		text := []byte(domain)
		for _, n := range []uint64{2, 4, uint64(imaging.Gray)} {
			text = binary.BigEndian.AppendUint64(text, n)
		}
		return Encoded(append(text, "12345678"...))
	}
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
		{"pixels and a file that is made to be taken for them", raw(2, 4, "12345678"), forged(domainRaw), false},
		{"pixels and a file that begins as they once did", raw(2, 4, "12345678"), forged("raw pixels"), false},
		{"a file and pixels that would end as it does", forged(domainFile), raw(2, 4, "12345678"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			images := newImages(ImagesConfig{}, &engine{})
			if shared := images.Add(tt.giveA) == images.Add(tt.giveB); shared != tt.wantShared {
				t.Errorf("shared = %v, want %v", shared, tt.wantShared)
			}
		})
	}
}

// TestDigestsAreOfOneDomain: nobody can name bytes of one kind that have the
// digest of another kind's: what is hashed begins differently.
func TestDigestsAreOfOneDomain(t *testing.T) {
	domains := []string{domainFile, domainRaw, domainPicture}
	for i, a := range domains {
		for j, b := range domains {
			if i != j && strings.HasPrefix(b, a) {
				t.Errorf("domain %q begins domain %q, want neither to begin the other", a, b)
			}
		}
	}
	file := []byte("12345678")
	if got := Encoded(file).digest(); got != sha256.Sum256(append([]byte(domainFile), file...)) {
		t.Errorf("the digest of a file is %x, want that of its domain and its bytes", got)
	}
	if picture := (&View{}); picture.accept(&imaging.Picture{Pix: file}, nil, false) != nil || picture.pixels == Encoded(file).digest() {
		t.Error("the digest of a picture is that of a file of the same bytes")
	}
}
