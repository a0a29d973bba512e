package icc_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"siamese/imaging/internal/icc"
)

// The pictures of testdata/imaging/variants/profile, whose profiles these tests read,
// are compared with Little CMS by package imaging.
const variants = "../../../testdata/imaging/variants/profile"

// profileOf unpacks the profile of a PNG; nil where it has none.
func profileOf(tb testing.TB, file string) []byte {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	_, chunk, ok := bytes.Cut(data, []byte("iCCP"))
	if !ok {
		return nil
	}
	_, packed, _ := bytes.Cut(chunk, []byte{0, 0})
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	profile, err := io.ReadAll(r)
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return profile
}

func named(tb testing.TB, name string) []byte {
	tb.Helper()
	return profileOf(tb, filepath.Join(variants, name+".png"))
}

// all returns every profile of the variants by its file's name.
func all(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(variants, "*.png"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no pictures in %s: %v", variants, err)
	}
	profiles := map[string][]byte{}
	for _, file := range files {
		if profile := profileOf(tb, file); profile != nil {
			profiles[filepath.Base(file)] = profile
		}
	}
	return profiles
}

// changed is a profile with other bytes at a place.
func changed(profile []byte, at int, with string) []byte {
	other := bytes.Clone(profile)
	copy(other[at:], with)
	return other
}

// tagAt is where a tag's data is.
func tagAt(tb testing.TB, profile []byte, name string) int {
	tb.Helper()
	const list, each = 132, 12
	for at := list; at+each <= len(profile); at += each {
		if string(profile[at:at+4]) == name {
			return int(binary.BigEndian.Uint32(profile[at+4:]))
		}
	}
	tb.Fatalf("the profile has no %s", name)
	return 0
}

func TestNewRefuses(t *testing.T) {
	p3, gray, table, elements := named(t, "display_p3"), named(t, "gray_gamma"), named(t, "mft2_lab"), named(t, "mab_lab")
	curve, sampled := tagAt(t, p3, "rTRC"), named(t, "sampled_v2")
	a2b, mab := tagAt(t, table, "A2B0"), tagAt(t, elements, "A2B0")
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"nothing", nil, "no profile's head"},
		{"another mark", changed(p3, 36, "ACSP"), "no profile's head"},
		{"CMYK", changed(p3, 16, "CMYK"), `pixels of "CMYK", expected RGB or GRAY`},
		{"device link", changed(p3, 12, "link"), `class "link"`},
		{"leads to another device", changed(p3, 20, "RGB "), `leads to "RGB "`},
		{"tags without end", changed(p3, 128, "\xff\xff\xff\xff"), "4294967295 tags"},
		{"tags behind the end", changed(p3, 128, "\x00\x00\x00\x64"), "100 tags in"},
		{"cut in its tags", p3[:300], "no "},
		{"gray without a curve", changed(gray, 132+2*12, "none"), "no kTRC"},
		{"curve of another type", changed(p3, curve, "text"), `type "text", expected curv or para`},
		{"formula that is unknown", changed(p3, curve+8, "\x00\x09"), "formula 9"},
		{"samples without end", changed(sampled, tagAt(t, sampled, "rTRC")+8, "\xff\xff\xff\xff"), "4294967295 samples in"},
		{"table of another type", changed(table, a2b, "mft9"), `type "mft9"`},
		{"table of four inputs", changed(table, a2b+8, "\x04"), "4 inputs"},
		{"table of 255 points a side", changed(table, a2b+10, "\xff"), "255 points"},
		{"table of one point a side", changed(table, a2b+10, "\x01"), "1 points"},
		{"table's curves of no samples", changed(table, a2b+48, "\x00\x00"), "0 and 256 samples"},
		{"elements behind the end", changed(elements, mab+12, "\xff\xff\xff\xff"), "a curve that is not whole"},
		{"elements of words of 9 bytes", changed(elements, mab+int(binary.BigEndian.Uint32(elements[mab+24:]))+16, "\x09"), "points of 9 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got *icc.Transform
			var err error
			took := allocated(func() { got, err = icc.New(tt.give) })
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "icc: ") {
				t.Errorf("New = %v, %v, want an error with %q", got != nil, err, tt.want)
			}
			if took > 1<<20 {
				t.Errorf("refusing it allocated %d bytes, want at most 1 MiB", took)
			}
		})
	}
}

func TestNewIsNilForSRGB(t *testing.T) {
	for _, tt := range []struct {
		name string
		want bool
	}{{"srgb_v2", true}, {"srgb_v4", true}, {"srgb_gray", true}, {"display_p3", false}, {"gray_gamma", false}, {"mab_lab", false}} {
		got, err := icc.New(named(t, tt.name))
		if err != nil || (got == nil) != tt.want {
			t.Errorf("New(%s) = %v, %v, want nil: %v", tt.name, got != nil, err, tt.want)
		}
	}
}

func TestCodePointsEqualTheProfile(t *testing.T) {
	profile, err := icc.New(named(t, "display_p3"))
	if err != nil {
		t.Fatal(err)
	}
	const p3, srgb = 12, 13
	want, got := ramp(), ramp()
	profile.Apply8(want)
	icc.FromCodePoints(p3, srgb).Apply8(got)
	for i := range want {
		if diff := int(want[i]) - int(got[i]); diff > 1 || diff < -1 {
			t.Fatalf("sample %d is %d, want the profile's %d", i, got[i], want[i])
		}
	}
}

func TestCodePointsThatChangeNothing(t *testing.T) {
	tests := []struct {
		name                        string
		givePrimaries, giveTransfer byte
	}{
		{"sRGB", 1, 13}, {"video", 1, 1}, {"unspecified", 2, 2}, {"old television", 6, 6}, {"PQ", 9, 16}, {"HLG", 9, 18},
	}
	for _, tt := range tests {
		if got := icc.FromCodePoints(tt.givePrimaries, tt.giveTransfer); got != nil {
			t.Errorf("%s: FromCodePoints(%d, %d) changes colours, want nil", tt.name, tt.givePrimaries, tt.giveTransfer)
		}
	}
}

// ramp is pixels of many colours.
func ramp() []byte {
	var pix []byte
	for i := range 4096 {
		pix = append(pix, byte(i), byte(i*7), byte(i*i/256))
	}
	return pix
}

// deepDiff is what the coarser tables of 8 bits cost, in levels.
const deepDiff = 1

func TestApply16EqualsApply8(t *testing.T) {
	for name, profile := range all(t) {
		transform, err := icc.New(profile)
		if err != nil || transform == nil {
			continue // TestNewRefuses, TestNewIsNilForSRGB
		}
		pix := ramp()
		if transform.Gray() {
			for i := range pix {
				pix[i] = byte(i / 3)
			}
		}
		deep := make([]uint16, len(pix))
		for i, v := range pix {
			deep[i] = 257 * uint16(v)
		}
		transform.Apply8(pix)
		transform.Apply16(deep)
		for i, v := range pix {
			if diff := int(v) - (int(deep[i])+128)/257; diff > deepDiff || diff < -deepDiff {
				t.Errorf("%s: sample %d is %d at 8 bits and %d at 16", name, i, v, deep[i])
				break
			}
		}
	}
}

func TestWhiteStaysWhite(t *testing.T) {
	for _, name := range []string{"display_p3", "adobe_v2", "prophoto_v2", "rec2020", "gray_gamma", "gray_lab", "mft2_lab", "mab_matrix"} {
		transform, err := icc.New(named(t, name))
		if err != nil {
			t.Fatal(err)
		}
		pix := []byte{255, 255, 255, 0, 0, 0}
		transform.Apply8(pix)
		for i, v := range pix {
			if want := byte(255 * (1 - i/3)); int(v)-int(want) > 1 || int(want)-int(v) > 1 {
				t.Errorf("%s turned white and black into %v", name, pix)
				break
			}
		}
	}
}

// allocated is what do has allocated, in bytes.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// Memory that reading takes for each byte of a profile, and beside that: the tables.
const (
	fuzzGrowth = 8
	fuzzFixed  = 4 << 20
)

func FuzzNew(f *testing.F) {
	for _, profile := range all(f) {
		f.Add(profile)
	}
	f.Fuzz(func(t *testing.T, profile []byte) {
		var transform *icc.Transform
		var err error
		if took, most := allocated(func() { transform, err = icc.New(profile) }), int64(fuzzFixed+fuzzGrowth*len(profile)); took > most {
			t.Errorf("a profile of %d bytes took %d, want at most %d", len(profile), took, most)
		}
		if err != nil && transform != nil {
			t.Errorf("New = a transform and %v, want one of them", err)
		}
		if transform == nil {
			return
		}
		pix, deep := []byte{0, 1, 2, 253, 254, 255, 128, 0, 255}, []uint16{0, 1, 2, 65535, 65534, 40000, 300, 20000, 9}
		transform.Apply8(pix)
		transform.Apply16(deep)
	})
}

func BenchmarkApply(b *testing.B) {
	for _, name := range []string{"display_p3", "gray_gamma", "mft2_lab", "mab_lab"} {
		transform, err := icc.New(named(b, name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			pix, source := make([]byte, 3*4096), ramp()
			for b.Loop() {
				copy(pix, source)
				transform.Apply8(pix)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/pixel")
		})
		b.Run(name+"-16", func(b *testing.B) {
			pix, source := make([]uint16, 3*4096), make([]uint16, 3*4096)
			for i, v := range ramp() {
				source[i] = 257 * uint16(v)
			}
			for b.Loop() {
				copy(pix, source)
				transform.Apply16(pix)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/pixel")
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, name := range []string{"srgb_v4", "srgb_v2", "display_p3", "mft2_lab"} {
		profile := named(b, name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := icc.New(profile); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
