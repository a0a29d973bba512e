package galleries

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"image/png"
	"maps"

	"siamese/gallery"
	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// item is an entry of a call on its way into a gallery.
type item struct {
	index int    // its place among the call's entries
	field string // its path in the request, such as "entries[3]"
	entry gallery.Entry
	image *pb.Image // nil once nobody needs its bytes
	again bool      // an entry of its id is under way before it

	taken *infer.Image // nil where it is not encoded

	// What became of it: one of them is set in the end.
	fault   *fault.Fault
	outcome gallery.Outcome
}

// newItem takes an entry of a request in. What is wrong with it is its fault.
func newItem(index int, field string, sent *pb.NewEntry) *item {
	it := &item{
		index: index,
		field: field,
		entry: gallery.Entry{ID: sent.GetId(), Thing: sent.GetThing(), Metadata: sent.GetMetadata(), Familiarity: -1},
		image: sent.GetImage(),
	}
	if err := gallery.CheckID(sent.GetId()); err != nil {
		it.fault = fault.Unusable(fault.ReasonEntryID, field+".id", err)
	} else if err := gallery.CheckThing(sent.GetThing()); err != nil {
		it.fault = fault.Unusable(fault.ReasonEntryThing, field+".thing", err)
	} else if err := gallery.CheckMetadata(sent.GetMetadata()); err != nil {
		it.fault = fault.Unusable(fault.ReasonEntryMetadata, field+".metadata", err)
	}
	return it
}

// isPicture reports whether the item came as a picture, which has a digest, and not as an
// embedding or as nothing.
func (it *item) isPicture() bool {
	switch source := it.image.GetSource().(type) {
	case *pb.Image_Encoded:
		return len(source.Encoded) > 0
	case *pb.Image_Raw:
		return true
	}
	return false
}

// digest hashes the picture.
func (it *item) digest() {
	switch source := it.image.GetSource().(type) {
	case *pb.Image_Encoded:
		it.entry.PictureDigest = sha256.Sum256(source.Encoded)
	case *pb.Image_Raw:
		it.entry.PictureDigest = rawDigest(source.Raw)
	}
}

// rawDigest covers shape and format too, as the contract says.
func rawDigest(raw *pb.RawPixels) [sha256.Size]byte {
	h := sha256.New()
	for _, n := range []uint64{uint64(raw.GetWidth()), uint64(raw.GetHeight()), uint64(raw.GetFormat())} {
		h.Write(binary.BigEndian.AppendUint64(nil, n))
	}
	h.Write(raw.GetData())
	return [sha256.Size]byte(h.Sum(nil))
}

// isAs reports whether a stored entry is what encoding the item would make, so that it
// need not be.
func (it *item) isAs(stored *gallery.Entry, modelDigest string) bool {
	return !it.again && it.isPicture() &&
		stored.ModelDigest == modelDigest && stored.PictureDigest == it.entry.PictureDigest &&
		stored.Thing == it.entry.Thing && maps.Equal(stored.Metadata, it.entry.Metadata)
}

// picture is what is kept of the picture: its bytes as they came, of raw pixels, which
// have been found to be whole, a PNG file.
func (it *item) picture() ([]byte, error) {
	switch source := it.image.GetSource().(type) {
	case *pb.Image_Encoded:
		return source.Encoded, nil
	case *pb.Image_Raw:
		return pngOf(source.Raw)
	}
	return nil, nil
}

// pngOf writes raw pixels as a PNG file, which is read as the same pixels.
func pngOf(raw *pb.RawPixels) ([]byte, error) {
	width, height := int(raw.GetWidth()), int(raw.GetHeight())
	var pixels image.Image = &image.Gray{Pix: raw.GetData(), Stride: width, Rect: image.Rect(0, 0, width, height)}
	if raw.GetFormat() == pb.PixelFormat_PIXEL_FORMAT_RGB8 {
		pixels = (&imaging.Picture{Width: width, Height: height, Pix: raw.GetData()}).Image()
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	err := encoder.Encode(&file, pixels)
	return file.Bytes(), err
}
