package sidefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/gallery"
)

// recordHead is length and checksum.
const recordHead = 8

// What a record may have: paths are at most what systems take, and embeddings a
// million numbers.
const (
	maxPath    = 1 << 16
	maxNumbers = 1 << 20
	maxPayload = madeHead + 8*maxNumbers + overlap.Side*overlap.Side
)

// Kinds of records, their first byte.
const (
	kindFile = 'F' // sum, size, modified, width, height, path
	kindPair = 'P' // version of looks, sum, sum, agreement
	kindMade = 'E' // model, sum, foreign, sparse, look's width and height, length, numbers, indexes, values, look
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
	payload = append(payload, flag(made.Foreign), flag(made.Vector.IsSparse()), byte(made.Look.Width), byte(made.Look.Height))
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
	return append(payload, made.Look.Levels...)
}

// pair is two contents, the smaller sum first.
type pair [2]Sum

func pairOf(a, b Sum) pair {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return pair{a, b}
}

const pairSize = 1 + 1 + 2*32 + 4

func encodePair(p pair, agreement float32) []byte {
	payload := append([]byte{kindPair, overlap.Version}, p[0][:]...)
	payload = append(payload, p[1][:]...)
	return binary.LittleEndian.AppendUint32(payload, math.Float32bits(agreement))
}

// decodePair reads a pair; current reports whether it is of looks as they are now.
func decodePair(payload []byte) (p pair, agreement float32, current bool, err error) {
	if len(payload) != pairSize {
		return pair{}, 0, false, errRecord
	}
	agreement = math.Float32frombits(binary.LittleEndian.Uint32(payload[66:]))
	if !(agreement >= 0 && agreement <= 1.001) {
		return pair{}, 0, false, errRecord
	}
	return pair{Sum(payload[2:34]), Sum(payload[34:66])}, agreement, payload[1] == overlap.Version, nil
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

const madeHead = 1 + 32 + 32 + 4 + 4 + 4

// madeOf are the model and the content of an embedding's record.
func madeOf(payload []byte) (model, sum Sum, err error) {
	if len(payload) < madeHead {
		return Sum{}, Sum{}, errRecord
	}
	return Sum(payload[1:33]), Sum(payload[33:65]), nil
}

func decodeMade(payload []byte) (Made, error) {
	made := Made{Foreign: payload[65] == 1, Look: overlap.Look{Width: int(payload[67]), Height: int(payload[68])}}
	sparse := payload[66] == 1
	length, stored := int64(binary.LittleEndian.Uint32(payload[69:])), int64(binary.LittleEndian.Uint32(payload[73:]))
	numbers := stored
	if sparse {
		numbers = 2 * stored
	}
	levels := int64(made.Look.Width * made.Look.Height)
	if made.Look.Width > overlap.Side || made.Look.Height > overlap.Side || levels == 0 && made.Look.Width+made.Look.Height > 0 {
		return Made{}, errRecord
	}
	if length > maxNumbers || stored > length || !sparse && stored != length || int64(len(payload)) != madeHead+4*numbers+levels {
		return Made{}, errRecord
	}
	words := payload[madeHead:]
	if levels > 0 {
		made.Look.Levels = bytes.Clone(words[4*numbers:])
	}
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
