package sidefile

import (
	"encoding/binary"
	"errors"
	"math"

	"siamese/gallery"
)

// recordHead is length and checksum.
const recordHead = 8

// What a record may have: paths are at most what systems take, and embeddings a
// million numbers.
const (
	maxPath    = 1 << 16
	maxNumbers = 1 << 20
	maxPayload = 1 + 2*32 + 16 + 8*maxNumbers
)

// Kinds of records, their first byte.
const (
	kindFile = 'F' // sum, size, modified, width, height, path
	kindMade = 'E' // model, sum, foreign, sparse, length, numbers, indexes, values
)

var errRecord = errors.New("record does not fit its kind")

func encodeFile(path string, s state) []byte {
	payload := append([]byte{kindFile}, s.Sum[:]...)
	payload = binary.LittleEndian.AppendUint64(payload, uint64(s.size))
	payload = binary.LittleEndian.AppendUint64(payload, uint64(s.modified))
	payload = binary.LittleEndian.AppendUint32(payload, uint32(s.Width))
	payload = binary.LittleEndian.AppendUint32(payload, uint32(s.Height))
	return append(payload, path...)
}

const fileHead = 1 + 32 + 8 + 8 + 4 + 4

func decodeFile(payload []byte) (path string, s state, err error) {
	if len(payload) < fileHead || len(payload) > fileHead+maxPath {
		return "", state{}, errRecord
	}
	s.Sum = Sum(payload[1:33])
	s.size = int64(binary.LittleEndian.Uint64(payload[33:]))
	s.modified = int64(binary.LittleEndian.Uint64(payload[41:]))
	s.Width = int(binary.LittleEndian.Uint32(payload[49:]))
	s.Height = int(binary.LittleEndian.Uint32(payload[53:]))
	return string(payload[fileHead:]), s, nil
}

func encodeMade(model, sum Sum, made Made) []byte {
	payload := append([]byte{kindMade}, model[:]...)
	payload = append(payload, sum[:]...)
	payload = append(payload, flag(made.Foreign), flag(made.Vector.IsSparse()))
	payload = binary.LittleEndian.AppendUint32(payload, uint32(made.Vector.Length()))
	payload = binary.LittleEndian.AppendUint32(payload, uint32(made.Vector.Stored()))
	if made.Vector.IsSparse() {
		for index := range made.Vector.All() {
			payload = binary.LittleEndian.AppendUint32(payload, uint32(index))
		}
	}
	for _, value := range made.Vector.All() {
		payload = binary.LittleEndian.AppendUint32(payload, math.Float32bits(value))
	}
	return payload
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

const madeHead = 1 + 32 + 32 + 1 + 1 + 4 + 4

// madeOf are the model and the content of an embedding's record.
func madeOf(payload []byte) (model, sum Sum, err error) {
	if len(payload) < madeHead {
		return Sum{}, Sum{}, errRecord
	}
	return Sum(payload[1:33]), Sum(payload[33:65]), nil
}

func decodeMade(payload []byte) (Made, error) {
	made := Made{Foreign: payload[65] == 1}
	sparse := payload[66] == 1
	length, stored := int64(binary.LittleEndian.Uint32(payload[67:])), int64(binary.LittleEndian.Uint32(payload[71:]))
	numbers := stored
	if sparse {
		numbers = 2 * stored
	}
	if length > maxNumbers || stored > length || !sparse && stored != length || int64(len(payload)) != madeHead+4*numbers {
		return Made{}, errRecord
	}
	words := payload[madeHead:]
	var indexes []uint32
	if sparse {
		indexes = make([]uint32, stored)
		for i := range indexes {
			indexes[i] = binary.LittleEndian.Uint32(words[4*i:])
		}
		words = words[4*stored:]
	}
	values := make([]float32, stored)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(words[4*i:]))
		if math.IsNaN(float64(values[i])) || math.IsInf(float64(values[i]), 0) {
			return Made{}, errRecord
		}
	}
	var err error
	if made.Vector = gallery.NewVector(values); sparse {
		made.Vector, err = gallery.SparseVector(int(length), indexes, values)
	}
	return made, err
}
