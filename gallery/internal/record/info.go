package record

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"siamese/gallery"
)

// info is a gallery's description as JSON, which later versions can add to.
type info struct {
	Name            string    `json:"name"`
	Model           string    `json:"model"`
	ModelDigest     string    `json:"model_digest"`
	EmbeddingLength int       `json:"embedding_length"`
	KeepPictures    bool      `json:"keep_pictures"`
	KeepThumbnails  bool      `json:"keep_thumbnails"`
	Created         time.Time `json:"created"`
}

// AppendInfo appends what is known of a gallery as JSON, and its CRC-32C.
func AppendInfo(b []byte, i gallery.Info) ([]byte, error) {
	i.Created = i.Created.UTC()
	text, err := json.Marshal(info(i))
	if err != nil {
		return nil, err
	}
	return binary.LittleEndian.AppendUint32(append(b, text...), Checksum(text)), nil
}

// ParseInfo returns what AppendInfo wrote, all of b.
func ParseInfo(b []byte) (gallery.Info, error) {
	if len(b) < checksumBytes {
		return gallery.Info{}, fmt.Errorf("received a gallery's description of %d bytes, expected more", len(b))
	}
	text := b[:len(b)-checksumBytes]
	if got, want := Checksum(text), binary.LittleEndian.Uint32(b[len(text):]); got != want {
		return gallery.Info{}, fmt.Errorf("%w: %08x, expected %08x", ErrChecksum, got, want)
	}
	var i info
	if err := json.Unmarshal(text, &i); err != nil {
		return gallery.Info{}, fmt.Errorf("a gallery's description: %w", err)
	}
	if i.EmbeddingLength < 0 || i.EmbeddingLength > MaxLength {
		return gallery.Info{}, fmt.Errorf("received embeddings of %d numbers, expected 0 to %d", i.EmbeddingLength, MaxLength)
	}
	return gallery.Info(i), nil
}
