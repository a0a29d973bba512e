package record_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

func sparse(t testing.TB, length int, indexes []uint32, values []float32) gallery.Vector {
	t.Helper()
	v, err := gallery.SparseVector(length, indexes, values)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// entries are of every form that a record has.
func entries(t testing.TB) map[string]gallery.Entry {
	hexadecimal := strings.Repeat("0123456789abcdef", 4)
	enrolled := time.UnixMilli(1_900_000_000_123).UTC()
	return map[string]gallery.Entry{
		"least":  {Enrolled: time.UnixMilli(0).UTC()},
		"before": {ID: "a", Enrolled: time.UnixMilli(-5).UTC(), Familiarity: -1},
		"sparse": {
			ID: "日本", Thing: "thing", ModelDigest: hexadecimal, PictureDigest: [32]byte{31: 1}, Familiarity: 0.25, Enrolled: enrolled,
			Metadata:  map[string]string{"b": "", "a": "x", "ü": strings.Repeat("y", 1024)},
			Embedding: sparse(t, 4608, []uint32{0, 1, 300, 4607}, []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32}),
		},
		"zeros":      {ID: "zeros", Enrolled: enrolled, Embedding: gallery.NewVector(make([]float32, 12))},
		"dense":      {ID: "dense", ModelDigest: "plain", Enrolled: enrolled, Embedding: gallery.NewVector([]float32{1, -2.5, 0, math.Pi})},
		"upper case": {ID: "b", ModelDigest: strings.ToUpper(hexadecimal), Enrolled: enrolled, Embedding: gallery.NewVector([]float32{1})},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, want := range entries(t) {
		b := record.Append([]byte("before"), &want)[len("before"):]
		parsed, err := record.Parse(b)
		if err != nil {
			t.Errorf("Parse(%s) = %v, want no error", name, err)
			continue
		}
		got, err := parsed.Entry(true)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Errorf("Entry(%s) = …, %v, want no error (-want +got):\n%s", name, err, d)
		}
		if got.Embedding.IsSparse() != want.Embedding.IsSparse() {
			t.Errorf("the embedding of %s is sparse: %t, want %t", name, got.Embedding.IsSparse(), want.Embedding.IsSparse())
		}
		without, err := parsed.Entry(false)
		if err != nil || without.Embedding.Length() != 0 || without.ID != want.ID {
			t.Errorf("Entry(%s) without embedding = %+v, %v", name, without, err)
		}
		if parsed.ModelDigest() != want.ModelDigest || !parsed.IsOfModel(want.ModelDigest) || parsed.IsOfModel("other") {
			t.Errorf("the model of %s is %q, want %q alone", name, parsed.ModelDigest(), want.ModelDigest)
		}
	}
}

// TestSize holds the records of our models to what documents say that entries take.
func TestSize(t *testing.T) {
	indexes, values := make([]uint32, 123), make([]float32, 123)
	for i := range indexes {
		indexes[i], values[i] = uint32(i*37), 1
	}
	e := gallery.Entry{ID: "an-id-of-so-many-bytes", ModelDigest: strings.Repeat("ab", 32), Embedding: sparse(t, 4608, indexes, values), Enrolled: time.UnixMilli(1)}
	const most = 720
	if got := len(record.Append(nil, &e)); got > most {
		t.Errorf("a record of %d numbers takes %d bytes, want at most %d", len(indexes), got, most)
	}
}

// TestDamage changes each bit, and cuts at each place.
func TestDamage(t *testing.T) {
	for name, e := range entries(t) {
		b := record.Append(nil, &e)
		for i := range len(b) * 8 {
			b[i/8] ^= 1 << (i % 8)
			if _, err := record.Parse(b); !errors.Is(err, record.ErrChecksum) {
				t.Errorf("Parse(%s with bit %d changed) = %v, want %v", name, i, err, record.ErrChecksum)
			}
			b[i/8] ^= 1 << (i % 8)
		}
		for n := range b {
			if _, err := record.Parse(b[:n]); err == nil {
				t.Errorf("Parse(%d of %d bytes of %s) = nil, want an error", n, len(b), name)
			}
		}
	}
}

// seal gives bytes that Append did not write their checksum, as a forger would.
func seal(b []byte) []byte {
	sum := record.Checksum(b)
	return append(b[:len(b):len(b)], byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

func TestForged(t *testing.T) {
	e := entries(t)["sparse"]
	whole := record.Append(nil, &e)
	body := whole[:len(whole)-4]
	read := func(b []byte) error {
		parsed, err := record.Parse(b)
		if err == nil {
			_, err = parsed.Entry(true)
		}
		return err
	}
	for n := range body {
		if read(seal(body[:n])) == nil {
			t.Errorf("%d of %d bytes with their checksum make an entry, want an error", n, len(body))
		}
	}
	if read(seal(append(body[:len(body):len(body)], 0))) == nil {
		t.Error("a record with a byte too many makes an entry, want an error")
	}
	newer := seal(append([]byte{2}, body[1:]...))
	if _, err := record.Parse(newer); err == nil || !strings.Contains(err.Error(), "version 2, expected 1") {
		t.Errorf("Parse(a record of version 2) = %v, want an error that says so", err)
	}
}

// FuzzParse parses what has the right checksum: nothing may panic, take memory that the
// bytes are not worth, or change when it is written again.
func FuzzParse(f *testing.F) {
	for _, e := range entries(f) {
		b := record.Append(nil, &e)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := record.Parse(seal(b))
		if err != nil {
			return
		}
		e, err := parsed.Entry(true)
		if err != nil {
			return
		}
		if e.Embedding.Length() > record.MaxLength || e.Embedding.Stored() > len(b) {
			t.Fatalf("an embedding of %d numbers, %d of them stored, of %d bytes", e.Embedding.Length(), e.Embedding.Stored(), len(b))
		}
		again, err := record.Parse(record.Append(nil, &e))
		if err != nil {
			t.Fatal(err)
		}
		if same, err := again.Entry(true); err != nil || !same.Same(&e) || !same.Enrolled.Equal(e.Enrolled) {
			t.Fatalf("%+v became %+v, %v", e, same, err)
		}
	})
}

func TestInfo(t *testing.T) {
	want := gallery.Info{
		Name: "plants", Model: "general", ModelDigest: "abc", EmbeddingLength: 4608, KeepPictures: true, KeepThumbnails: true,
		Created: time.Date(2031, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600)),
	}
	b, err := record.AppendInfo(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := record.ParseInfo(b)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("ParseInfo() = …, %v, want no error (-want +got):\n%s", err, d)
	}
	for i := range b {
		b[i] ^= 0x10
		if _, err := record.ParseInfo(b); !errors.Is(err, record.ErrChecksum) {
			t.Errorf("ParseInfo(byte %d changed) = %v, want %v", i, err, record.ErrChecksum)
		}
		b[i] ^= 0x10
	}
	for _, forged := range []string{"", "{", `{"embedding_length": -1}`, fmt.Sprintf(`{"embedding_length": %d}`, record.MaxLength+1)} {
		if info, err := record.ParseInfo(seal([]byte(forged))); err == nil {
			t.Errorf("ParseInfo(%s) = %+v, want an error", forged, info)
		}
	}
}
