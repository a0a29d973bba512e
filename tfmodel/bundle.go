package tfmodel

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"

	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	versionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/versions_go_proto"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/tfmodel/internal/tf"
	"siamese/weights"
)

// A SavedModel's variables are a "tensor bundle": their values one after the other
// in a data file, and an index of them, which is a table of LevelDB's format.
// SaveV2 writes the same bytes, but takes a session with all variables in it,
// which costs more than the rest of a start.

// castagnoli is the polynomial of both files' checksums.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeBundle writes the variables, whose values are in set, as the bundle named
// prefix.
func writeBundle(prefix string, variables []Variable, set *weights.Set) (err error) {
	data, err := os.OpenFile(prefix+".data-00000-of-00001", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, data.Close()) }()
	buffered := bufio.NewWriterSize(data, 1<<20)
	index, offset := make(map[string]proto.Message), int64(0)
	index[""] = &corepb.BundleHeaderProto{NumShards: 1, Version: &versionpb.VersionDef{Producer: 1}}
	for _, variable := range variables {
		tensor, ok := set.Get(variable.Name)
		if !ok {
			return fmt.Errorf("weights lack %q", variable.Name)
		}
		content := tf.Float32Bytes(tensor.Data) // little-endian, as all that TensorFlow runs on
		if _, err := buffered.Write(content); err != nil {
			return err
		}
		index[variable.Name] = &corepb.BundleEntryProto{
			Dtype: typepb.DataType_DT_FLOAT, Shape: shapeOf(tensor.Shape),
			Offset: offset, Size: int64(len(content)), Crc32C: masked(crc32.Checksum(content, castagnoli)),
		}
		offset += int64(len(content))
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	table, err := bundleIndex(index)
	if err != nil {
		return err
	}
	return os.WriteFile(prefix+".index", table, 0o644)
}

func shapeOf(dims []int) *shapepb.TensorShapeProto {
	shape := &shapepb.TensorShapeProto{}
	for _, dim := range dims {
		shape.Dim = append(shape.Dim, &shapepb.TensorShapeProto_Dim{Size: int64(dim)})
	}
	return shape
}

// masked is a checksum as it is stored: a checksum over checksums would be weak.
func masked(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

// bundleIndex is the index file: a block of all entries in order, one of statistics,
// which is empty, one that points at the first by a key not below the last name,
// and a footer.
func bundleIndex(entries map[string]proto.Message) ([]byte, error) {
	const footerBytes, magic = 40, 0xdb4775248b80fb57
	var all, pointers tableBlock
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(entries[name])
		if err != nil {
			return nil, fmt.Errorf("index entry %q: %w", name, err)
		}
		all.add(name, encoded)
	}
	file, place := all.appendTo(nil)
	file, footer := (&tableBlock{}).appendTo(file)
	pointers.add(string(all.lastKey[0]+1), place) // names begin with a letter
	file, place = pointers.appendTo(file)
	footer = append(footer, place...)
	file = append(append(file, footer...), make([]byte, footerBytes-len(footer))...)
	return binary.LittleEndian.AppendUint64(file, magic), nil
}

// tableBlock is a block of a table: entries that share the beginning of their key
// with the one before, but for every sixteenth.
type tableBlock struct {
	content  []byte
	restarts []uint32
	entries  int
	lastKey  string
}

func (b *tableBlock) add(key string, value []byte) {
	const interval = 16
	shared := 0
	if b.entries%interval == 0 {
		b.restarts = append(b.restarts, uint32(len(b.content)))
	} else {
		for shared < min(len(key), len(b.lastKey)) && key[shared] == b.lastKey[shared] {
			shared++
		}
	}
	for _, number := range []int{shared, len(key) - shared, len(value)} {
		b.content = binary.AppendUvarint(b.content, uint64(number))
	}
	b.content = append(append(b.content, key[shared:]...), value...)
	b.entries, b.lastKey = b.entries+1, key
}

// appendTo appends the block, uncompressed and with its checksum, to a file and
// returns its place in it: offset and size.
func (b *tableBlock) appendTo(file []byte) (longer, place []byte) {
	begin := len(file)
	file = append(file, b.content...)
	restarts := b.restarts
	if len(restarts) == 0 {
		restarts = []uint32{0}
	}
	for _, restart := range append(restarts, uint32(len(restarts))) {
		file = binary.LittleEndian.AppendUint32(file, restart)
	}
	place = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(begin)), uint64(len(file)-begin))
	file = append(file, 0) // not compressed
	return binary.LittleEndian.AppendUint32(file, masked(crc32.Checksum(file[begin:], castagnoli))), place
}
