package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// formatVersion is that of what this file says.
const formatVersion = 1

// The buckets of a gallery's file. Entries have numbers that count up and are never
// used again: a Put adds behind the last record, and what is in memory of an entry need
// not have its id. Numbers are 8 bytes, the highest first. Values that are not records end
// with a CRC-32C of key and value.
var (
	// bucketGallery has "version", a number, and "info", as package record writes it.
	bucketGallery = []byte("gallery")
	// bucketModels has how many entries there are of each model digest, by '='
	// and the digest, which may be empty, as keys may not.
	bucketModels = []byte("models")
	// bucketRecords has the record of each entry's number, and bucketPictures and
	// bucketThumbnails its pictures, apart so that reading records does not pass by them.
	bucketRecords    = []byte("records")
	bucketPictures   = []byte("pictures")
	bucketThumbnails = []byte("thumbnails")
	// bucketIDs has the number of each id, and a byte that says what is kept in the two
	// buckets above: where a damaged key hides a picture there, this tells.
	bucketIDs = []byte("ids")
	// bucketThings has keys alone: what an entry shows, a zero byte, its id.
	bucketThings = []byte("things")

	keyVersion = []byte("version")
	keyInfo    = []byte("info")

	allBuckets = [][]byte{bucketGallery, bucketModels, bucketRecords, bucketPictures, bucketThumbnails, bucketIDs, bucketThings}
)

const (
	numberBytes   = 8
	checksumBytes = 4
)

// errBadValue is what is said of a value whose checksum is not that of key and value.
var errBadValue = errors.New("the checksum is not that of the bytes")

// seal appends the checksum of key and value.
func seal(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, record.Checksum(key, value))
}

// unseal returns the value that seal was given.
func unseal(key, sealed []byte) ([]byte, error) {
	if len(sealed) < checksumBytes {
		return nil, fmt.Errorf("received %d bytes, expected %d or more", len(sealed), checksumBytes)
	}
	value := sealed[:len(sealed)-checksumBytes]
	if record.Checksum(key, value) != binary.LittleEndian.Uint32(sealed[len(value):]) {
		return nil, errBadValue
	}
	return value, nil
}

// numberKey is a number as a key, or a value.
func numberKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func numberOfKey(key []byte) (uint64, error) {
	if len(key) != numberBytes {
		return 0, fmt.Errorf("received %d bytes, expected a number of %d", len(key), numberBytes)
	}
	return binary.BigEndian.Uint64(key), nil
}

// unsealNumber is unseal of a number.
func unsealNumber(key, sealed []byte) (uint64, error) {
	value, err := unseal(key, sealed)
	if err != nil {
		return 0, err
	}
	return numberOfKey(value)
}

// place is where the parts of an entry are.
type place struct {
	number uint64 // 0: there is no entry
	kept   byte
}

// What is kept of an entry.
const (
	keptPicture = 1 << iota
	keptThumbnail
)

func (p place) seal(id []byte) []byte { return seal(id, append(numberKey(p.number), p.kept)) }

func unsealPlace(id, sealed []byte) (place, error) {
	value, err := unseal(id, sealed)
	if err == nil && len(value) != numberBytes+1 {
		err = fmt.Errorf("received %d bytes, expected a number and a byte", len(value))
	}
	if err != nil {
		return place{}, fmt.Errorf("id %q: %w", id, err)
	}
	return place{number: binary.BigEndian.Uint64(value), kept: value[numberBytes]}, nil
}

// thingKey is the key of an entry in bucketThings. Neither of both has a zero byte.
func thingKey(thing, id string) []byte {
	return append(append(append(make([]byte, 0, len(thing)+1+len(id)), thing...), 0), id...)
}

// initialize makes an empty gallery.
func initialize(tx *bolt.Tx, info gallery.Info) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	version := seal(keyVersion, numberKey(formatVersion))
	if err := tx.Bucket(bucketGallery).Put(keyVersion, version); err != nil {
		return err
	}
	return putInfo(tx, info)
}

func putInfo(tx *bolt.Tx, info gallery.Info) error {
	value, err := record.AppendInfo(nil, info)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketGallery).Put(keyInfo, value)
}

// readInfo returns what is known of a gallery, whose version it checks first.
func readInfo(tx *bolt.Tx) (gallery.Info, error) {
	head := tx.Bucket(bucketGallery)
	if head == nil {
		return gallery.Info{}, fmt.Errorf("there is no bucket %q", bucketGallery)
	}
	version, err := unsealNumber(keyVersion, head.Get(keyVersion))
	if err != nil {
		return gallery.Info{}, fmt.Errorf("the version: %w", err)
	}
	if version != formatVersion {
		return gallery.Info{}, fmt.Errorf("%w: it is of version %d, expected %d", ErrVersion, version, formatVersion)
	}
	for _, name := range allBuckets {
		if tx.Bucket(name) == nil {
			return gallery.Info{}, fmt.Errorf("there is no bucket %q", name)
		}
	}
	return record.ParseInfo(head.Get(keyInfo))
}

// count returns how many entries there are, and how many of them of a model.
func count(tx *bolt.Tx, digest string) (all, ofModel uint64, err error) {
	err = tx.Bucket(bucketModels).ForEach(func(key, sealed []byte) error {
		n, err := unsealNumber(key, sealed)
		if err != nil {
			return fmt.Errorf("how many entries are of model %q: %w", key, err)
		}
		all += n
		if string(key[1:]) == digest {
			ofModel = n
		}
		return nil
	})
	return all, ofModel, err
}

// addToModel adds n to how many entries there are of a model.
func addToModel(tx *bolt.Tx, digest string, n int64) error {
	models := tx.Bucket(bucketModels)
	key := append([]byte{'='}, digest...)
	var before uint64
	if sealed := models.Get(key); sealed != nil {
		var err error
		if before, err = unsealNumber(key, sealed); err != nil {
			return err
		}
	}
	after := int64(before) + n
	switch {
	case after < 0:
		return fmt.Errorf("there are %d entries of model %q, expected %d or more", before, digest, -n)
	case after == 0:
		return models.Delete(key)
	}
	return models.Put(key, seal(key, numberKey(uint64(after))))
}

// checkKeys returns an error where the number of ids is not that of entries, or where an
// id or a thing is not what was written. That their pages are whole has been checked.
func checkKeys(tx *bolt.Tx) error {
	want, _, err := count(tx, "")
	if err != nil {
		return err
	}
	var ids, things uint64
	err = tx.Bucket(bucketIDs).ForEach(func(key, sealed []byte) error {
		ids++
		_, err := unsealPlace(key, sealed)
		return err
	})
	if err != nil {
		return err
	}
	err = tx.Bucket(bucketThings).ForEach(func(key, sealed []byte) error {
		things++
		if _, err := unseal(key, sealed); err != nil || bytes.IndexByte(key, 0) < 0 {
			return fmt.Errorf("thing %q: %w", key, errBadValue)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if ids != want || things != want {
		return fmt.Errorf("there are %d ids and %d things, expected %d", ids, things, want)
	}
	return nil
}
