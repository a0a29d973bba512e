package boltfile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery/embedded/internal/boltfile"
)

const pageSize = 4096

// write makes a file of bbolt with what do puts into it, and returns its bytes.
func write(t testing.TB, pageSize int, do func(db *bolt.DB)) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	do(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// update changes a bucket in a transaction.
func update(t testing.TB, db *bolt.DB, bucket string, do func(b *bolt.Bucket) error) {
	t.Helper()
	err := db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		return do(b)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lived is a file after a life of changes: branches, free pages, values that are longer
// than pages, and buckets that are within others' pages.
func lived(t testing.TB, pageSize int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	return write(t, pageSize, func(db *bolt.DB) {
		update(t, db, "small", func(b *bolt.Bucket) error { return b.Put([]byte("k"), []byte("v")) })
		update(t, db, "empty", func(b *bolt.Bucket) error { return nil })
		for range 30 {
			update(t, db, fmt.Sprintf("bucket %d", random.IntN(3)), func(b *bolt.Bucket) error {
				for range 60 {
					key := fmt.Appendf(nil, "%0*d", 1+random.IntN(60), random.IntN(500))
					err := b.Delete(key)
					if random.IntN(3) > 0 {
						value := make([]byte, random.IntN(200))
						if random.IntN(50) == 0 {
							value = make([]byte, random.IntN(100_000))
						}
						err = b.Put(key, value)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
}

func check(b []byte) error { return boltfile.Check(bytes.NewReader(b), int64(len(b))) }

func TestSound(t *testing.T) {
	for seed := range uint64(3) {
		for _, size := range []int{1024, pageSize, 16 << 10} {
			if err := check(lived(t, size, seed)); err != nil {
				t.Errorf("Check(file %d with pages of %d bytes) = %v, want no error", seed, size, err)
			}
		}
	}
	if err := check(write(t, pageSize, func(*bolt.DB) {})); err != nil {
		t.Errorf("Check(a new file) = %v, want no error", err)
	}
	many := write(t, 1024, func(db *bolt.DB) {
		update(t, db, "many", func(b *bolt.Bucket) error { return b.Put([]byte("long"), make([]byte, 68_000<<10)) })
		// More free pages than the field for their number can say.
		if err := db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("many")) }); err != nil {
			t.Fatal(err)
		}
		update(t, db, "few", func(b *bolt.Bucket) error { return nil })
	})
	if err := check(many); err != nil {
		t.Errorf("Check(a file with many free pages) = %v, want no error", err)
	}
}

// TestDamaged changes bits where the structure is. What Check lets pass bbolt has to be
// able to read and check itself, in this process.
func TestDamaged(t *testing.T) {
	whole := lived(t, pageSize, 9)
	random := rand.New(rand.NewPCG(4, 4))
	found, path := 0, filepath.Join(t.TempDir(), "db")
	const rounds = 400
	for range rounds {
		b := bytes.Clone(whole)
		page := random.IntN(len(b)/pageSize) * pageSize
		at := page + random.IntN(400)
		if random.IntN(2) == 0 {
			at = page + 16 + 8*random.IntN(50) // where elements' places and lengths are
		}
		b[at] ^= 1 << random.IntN(8)
		switch err := check(b); {
		case err == nil:
			readAll(t, path, b)
		case !errors.Is(err, boltfile.ErrDamaged):
			t.Errorf("Check(byte %d changed) = %v, want %v", at, err, boltfile.ErrDamaged)
		default:
			found++
		}
	}
	if found < rounds/20 {
		t.Errorf("Check() found %d of %d files damaged, want more", found, rounds)
	}
}

// readAll has bbolt read a file; a panic or fault fails the test.
func readAll(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoGrowSync: true})
	if err != nil {
		t.Errorf("bbolt can't open what Check let pass: %v", err)
		return
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, bucket *bolt.Bucket) error {
			return bucket.ForEach(func(k, v []byte) error { return nil })
		})
	})
	if err != nil {
		t.Errorf("bbolt can't read what Check let pass: %v", err)
	}
}

func TestCut(t *testing.T) {
	whole := write(t, pageSize, func(db *bolt.DB) {
		update(t, db, "b", func(b *bolt.Bucket) error { return b.Put([]byte("k"), make([]byte, 3*pageSize)) })
	})
	used := int(order.Uint64(meta(whole)[40:])) * pageSize
	for n := 0; n < used; n += 64 {
		if err := check(whole[:n]); !errors.Is(err, boltfile.ErrDamaged) {
			t.Errorf("Check(%d of %d bytes) = %v, want %v", n, used, err, boltfile.ErrDamaged)
		}
	}
}

var order = binary.NativeEndian

// meta is the head of a file that counts.
func meta(b []byte) []byte {
	first, second := b[16:80], b[pageSize+16:pageSize+80]
	if order.Uint64(second[48:]) > order.Uint64(first[48:]) {
		return second
	}
	return first
}

// sealMeta gives a head its checksum.
func sealMeta(m []byte) {
	sum := fnv.New64a()
	sum.Write(m[:56])
	order.PutUint64(m[56:], sum.Sum64())
}

// TestForged has pages that lead to themselves, into the list of free pages, or out of
// the file, as no checksum of bbolt's tells.
func TestForged(t *testing.T) {
	make := func() []byte { return lived(t, pageSize, 2) }
	// firstBranch is where the file has a branch that is in use.
	firstBranch := func(b []byte) int {
		free := freePages(b)
		for id := 2; id < len(b)/pageSize; id++ {
			if page := b[id*pageSize:]; order.Uint64(page) == uint64(id) && order.Uint16(page[8:]) == 1 && !free[uint64(id)] {
				return id
			}
		}
		t.Fatal("the file has no branch")
		return 0
	}
	tests := map[string]func(b []byte){
		"a branch above itself":        func(b []byte) { id := firstBranch(b); order.PutUint64(b[id*pageSize+16+8:], uint64(id)) },
		"a branch to a head":           func(b []byte) { order.PutUint64(b[firstBranch(b)*pageSize+16+8:], 1) },
		"a branch out of the file":     func(b []byte) { order.PutUint64(b[firstBranch(b)*pageSize+16+8:], 1<<40) },
		"a branch to a page twice":     func(b []byte) { page := b[firstBranch(b)*pageSize:]; copy(page[16+8:16+16], page[32+8:32+16]) },
		"a branch without elements":    func(b []byte) { order.PutUint16(b[firstBranch(b)*pageSize+10:], 0) },
		"a branch with 60,000":         func(b []byte) { order.PutUint16(b[firstBranch(b)*pageSize+10:], 60_000) },
		"a key of 4 GB":                func(b []byte) { order.PutUint32(b[firstBranch(b)*pageSize+16+4:], 1<<32-1) },
		"a key at 4 GB":                func(b []byte) { order.PutUint32(b[firstBranch(b)*pageSize+16:], 1<<32-1) },
		"a page that has 4 billion":    func(b []byte) { order.PutUint32(b[firstBranch(b)*pageSize+12:], 1<<32-1) },
		"a page of another sort":       func(b []byte) { order.PutUint16(b[firstBranch(b)*pageSize+8:], 4) },
		"no page for the root":         func(b []byte) { m := meta(b); order.PutUint64(m[16:], 0); sealMeta(m) },
		"no list of free pages":        func(b []byte) { m := meta(b); order.PutUint64(m[32:], 1<<64-1); sealMeta(m) },
		"the root as list":             func(b []byte) { m := meta(b); order.PutUint64(m[32:], order.Uint64(m[16:])); sealMeta(m) },
		"more pages than the file has": func(b []byte) { m := meta(b); order.PutUint64(m[40:], 1<<50); sealMeta(m) },
		"a used page on the list": func(b []byte) {
			list := order.Uint64(meta(b)[32:])
			order.PutUint64(b[list*pageSize+16:], uint64(firstBranch(b)))
		},
		"a list of 2^63": func(b []byte) {
			list := order.Uint64(meta(b)[32:])
			order.PutUint16(b[list*pageSize+10:], 0xFFFF)
			order.PutUint64(b[list*pageSize+16:], 1<<63)
		},
	}
	for name, forge := range tests {
		b := make()
		forge(b)
		if err := check(b); !errors.Is(err, boltfile.ErrDamaged) {
			t.Errorf("Check(%s) = %v, want %v", name, err, boltfile.ErrDamaged)
		}
	}
}

func freePages(b []byte) map[uint64]bool {
	list := b[order.Uint64(meta(b)[32:])*pageSize:]
	free := make(map[uint64]bool)
	for i := range int(order.Uint16(list[10:])) {
		free[order.Uint64(list[16+8*i:])] = true
	}
	return free
}

func TestNoFile(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": {}, "text": []byte(strings.Repeat("no gallery\n", 1000)), "zeros": make([]byte, 1<<16),
	} {
		if err := check(b); !errors.Is(err, boltfile.ErrDamaged) {
			t.Errorf("Check(%s) = %v, want %v", name, err, boltfile.ErrDamaged)
		}
	}
	broken := errors.New("the disk can't be read")
	err := boltfile.Check(readerAt{iotest.ErrReader(broken)}, 1<<20)
	if !errors.Is(err, broken) || errors.Is(err, boltfile.ErrDamaged) {
		t.Errorf("Check(a disk that fails) = %v, want %v", err, broken)
	}
}

type readerAt struct {
	r interface{ Read(b []byte) (int, error) }
}

func (r readerAt) ReadAt(b []byte, _ int64) (int, error) { return r.r.Read(b) }

func FuzzCheck(f *testing.F) {
	f.Add(lived(f, 1024, 1)[:40<<10])
	f.Add(write(f, 1024, func(*bolt.DB) {}))
	f.Fuzz(func(t *testing.T, b []byte) { _ = check(b) }) // may not panic, or go on for ever
}
