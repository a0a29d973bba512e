package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/imaging/internal/tifftags"
)

// What Pillow reads is compared with it by the variants (testdata/imaging/variants/
// orientation). Here is what it does not read.

// bigTIFF is a BigTIFF structure with the orientation as its only entry.
func bigTIFF(order binary.AppendByteOrder, mark string, kind uint16, count uint64, value []byte) []byte {
	out := order.AppendUint16([]byte(mark), 43)
	out = order.AppendUint16(order.AppendUint16(out, 8), 0)
	out = order.AppendUint64(order.AppendUint64(out, 16), 1)
	out = order.AppendUint16(order.AppendUint16(out, tifftags.TagOrientation), kind)
	out = order.AppendUint64(out, count)
	return append(append(out, value...), make([]byte, 8)...)
}

func TestTurnOfBigTIFF(t *testing.T) {
	big, little := binary.BigEndian, binary.LittleEndian
	const behind = 52 // where the bytes behind the directory are
	tests := []struct {
		name string
		give []byte
		want orientation
	}{
		{"short, little endian", bigTIFF(little, "II", tifftags.TypeShort, 1, []byte{6, 0, 0, 0, 0, 0, 0, 0}), quarterTurnLeft},
		{"long8, big endian", bigTIFF(big, "MM", tifftags.TypeLong8, 1, []byte{0, 0, 0, 0, 0, 0, 0, 8}), quarterTurnRight},
		{"two long8 behind the directory", append(bigTIFF(big, "MM", tifftags.TypeLong8, 2, []byte{0, 0, 0, 0, 0, 0, 0, behind}),
			0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9, 9, 9, 9, 9, 9), upsideDown},
		{"more values than there are bytes", bigTIFF(big, "MM", tifftags.TypeLong8, 1<<63, []byte{0, 0, 0, 0, 0, 0, 0, behind}), upright},
		{"cut", bigTIFF(big, "MM", tifftags.TypeShort, 1, []byte{0, 6, 0, 0, 0, 0, 0, 0})[:40], upright},
		{"no directory", []byte("II+\x00\x08\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), upright},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := turnOf(TIFF, tt.give); got != tt.want {
				t.Errorf("turnOf(TIFF) = %d, want %d", got, tt.want)
			}
		})
	}
}

// appTwo is a JPEG's segment with a part of a profile.
func appTwo(number, count byte, part string) string {
	payload := "ICC_PROFILE\x00" + string([]byte{number, count}) + part
	return "\xff\xe2" + string(binary.BigEndian.AppendUint16(nil, uint16(len(payload)+2))) + payload
}

func TestProfileOfJoinsTheParts(t *testing.T) {
	const start, end = "\xff\xd8", "\xff\xda\x00\x02"
	tests := []struct {
		name string
		give []string
		want string
	}{
		{"one", []string{appTwo(1, 1, "abc")}, "abc"},
		{"two", []string{appTwo(1, 2, "abc"), appTwo(2, 2, "def")}, "abcdef"},
		{"out of order", []string{appTwo(3, 3, "ghi"), appTwo(1, 3, "abc"), appTwo(2, 3, "def")}, "abcdefghi"},
		{"numbered from 0, as some programs do", []string{appTwo(0, 2, "abc"), appTwo(1, 2, "def")}, "abcdef"},
		{"one missing", []string{appTwo(1, 3, "abc"), appTwo(3, 3, "ghi")}, ""},
		{"the first twice", []string{appTwo(1, 2, "abc"), appTwo(1, 2, "abc")}, ""},
		{"behind the scan's head", []string{end, appTwo(1, 1, "abc")}, ""},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			give := start + strings.Join(tt.give, "") + end
			if got := profileOf(JPEG, []byte(give)); string(got) != tt.want {
				t.Errorf("profileOf(JPEG) = %q, want %q", got, tt.want)
			}
		})
	}
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestProfileIsBounded(t *testing.T) {
	tests := []struct {
		give int // bytes
		want bool
	}{{maxProfile, true}, {maxProfile + 1, false}}
	for _, tt := range tests {
		chunk := append([]byte("name\x00\x00"), packed(t, make([]byte, tt.give))...)
		if got := pngProfile(chunk); (got != nil) != tt.want {
			t.Errorf("a profile of %d bytes gave %d, want it read: %v", tt.give, len(got), tt.want)
		}
	}
}

// FuzzMetadata: whatever the bytes are, looking for what is told of the pixels ends,
// panics nowhere and hands out no more than it may.
func FuzzMetadata(f *testing.F) {
	for _, name := range []string{"exif_long_6.jpg", "xmp_element.jpg", "exif_after.png", "exif_raw_profile.png", "xmp_packed.png",
		"exif_prefixed.webp", "xmp.webp", "xmp.tif", "tag_slong_8.tif"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", "imaging", "variants", "orientation", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(bigTIFF(binary.BigEndian, "MM", tifftags.TypeLong8, 1, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		codePoints(data)
		for _, format := range Formats() {
			if turn := turnOf(format, data); turn < upright || turn > quarterTurnRight {
				t.Errorf("turnOf(%s) = %d, want 1 to 8", format, turn)
			}
			if profile := profileOf(format, data); len(profile) > maxProfile {
				t.Errorf("profileOf(%s) has %d bytes, want at most %d", format, len(profile), maxProfile)
			}
		}
		if !bytes.Equal(data, before) {
			t.Error("looking for metadata changed the data")
		}
	})
}
