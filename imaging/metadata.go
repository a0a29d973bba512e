package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"siamese/imaging/internal/jpegfile"
	"siamese/imaging/internal/tifftags"
)

// Where each format keeps what is told of its pixels: an EXIF block, an XMP packet, a
// colour profile. Pillow's reading is followed to the letter, as far as it reads.
// BMP has a place for a profile alone, which Pillow does not read; GIF for none of them.

// turnOf returns how an image is turned: as EXIF says or, where that says nothing at
// all, XMP. An EXIF block that is none does not say nothing. HEIC and AVIF are turned by
// their decoder.
func turnOf(format Format, data []byte) orientation {
	block := exifBlock(format, data)
	if order, wide := tifftags.ByteOrder(block); len(block) > 0 && (order == nil || wide > 4 && format != TIFF) {
		return upright
	}
	if turn, ok := tagged(block); ok {
		return turn
	}
	return xmpOrientation(xmpPacket(format, data))
}

// exifPrefix starts the block in a JPEG; some programs write it elsewhere too, even
// twice.
const exifPrefix = "Exif\x00\x00"

func trimExifPrefix(block []byte) []byte {
	for bytes.HasPrefix(block, []byte(exifPrefix)) {
		block = block[len(exifPrefix):]
	}
	return block
}

// tagged returns the orientation that a TIFF structure tells, and whether it has the
// tag at all. EXIF blocks are often damaged by programs that edit them, while the
// image is fine: where anything is odd the image counts as upright. As in Pillow, any
// type of number will do and its first value counts; of several such tags the last one
// does; and behind an entry whose values are not there nothing is read.
func tagged(block []byte) (turn orientation, ok bool) {
	turn = upright
	for e := range tifftags.Entries(block) {
		values, whole := e.Values()
		if !whole {
			break
		}
		if e.Tag() == tifftags.TagOrientation && len(values) > 0 {
			turn, ok = validOrientation(e.Number()), true
		}
	}
	return turn, ok
}

// exifBlock returns the TIFF structure that holds an image's EXIF tags, or nil
// where there is none.
func exifBlock(format Format, data []byte) []byte {
	switch format {
	case JPEG:
		return trimExifPrefix(jpegExif(data))
	case PNG:
		return trimExifPrefix(pngExif(data))
	case WebP:
		return trimExifPrefix(webpMetadata(data, "EXIF", webpExif))
	case TIFF:
		return data
	}
	return nil
}

// jpegExif joins the blocks of a JPEG: what is too long for one goes on in the next.
func jpegExif(data []byte) []byte {
	var block []byte
	for marker, payload := range jpegfile.Segments(data) {
		if marker == jpegfile.SOS {
			break
		}
		if marker != jpegfile.APP1 || !bytes.HasPrefix(payload, []byte(exifPrefix)) {
			continue
		}
		if block == nil {
			block = payload[:len(payload):len(payload)]
		} else {
			block = append(block, payload[len(exifPrefix):]...)
		}
	}
	return block
}

// pngExif returns the eXIf chunk, or else the text that ImageMagick wrote before there
// was one: a name, a length, and the block in hexadecimal digits.
func pngExif(data []byte) []byte {
	const text = "Raw profile type exif"
	var block []byte
	var raw string
	for kind, payload := range pngChunks(data) {
		switch key, _, _ := bytes.Cut(payload, []byte{0}); {
		case kind == "eXIf":
			block = payload
		case kind == "tEXt" && string(key) == "exif":
			block = payload[min(len(key)+1, len(payload)):]
		case string(key) == text:
			if value, ok := pngText(kind, payload); ok {
				raw = string(value)
			}
		}
	}
	if block != nil || raw == "" {
		return block
	}
	const head = 3 // lines
	lines := strings.Split(raw, "\n")
	digits := strings.Join(strings.Fields(strings.Join(lines[min(head, len(lines)):], "")), "")
	block, err := hex.DecodeString(digits)
	if err != nil {
		return nil
	}
	return block
}

// Flags of a WebP's extended header for what comes along. A chunk that is not
// announced does not count.
const (
	webpXMP     = 1 << 2
	webpExif    = 1 << 3
	webpProfile = 1 << 5
)

// webpMetadata returns the payload of a chunk that the extended header announces.
func webpMetadata(data []byte, kind string, flag byte) []byte {
	if len(data) < webpCanvasEnd || string(data[12:16]) != "VP8X" || data[20]&flag == 0 {
		return nil
	}
	return riffChunk(data, kind)
}

// xmpPacket returns an image's XMP packet, or nil where there is none.
func xmpPacket(format Format, data []byte) []byte {
	switch format {
	case JPEG:
		return jpegXMP(data)
	case PNG:
		return pngXMP(data)
	case WebP:
		return webpMetadata(data, "XMP ", webpXMP)
	case TIFF:
		return bytesTag(data, tifftags.TagXMP)
	}
	return nil
}

// jpegXMP returns the last packet: Pillow's choice where there are several.
func jpegXMP(data []byte) []byte {
	const prefix = "http://ns.adobe.com/xap/1.0/\x00"
	var packet []byte
	for marker, payload := range jpegfile.Segments(data) {
		if marker == jpegfile.SOS {
			break
		}
		if marker == jpegfile.APP1 && bytes.HasPrefix(payload, []byte(prefix)) {
			packet = payload[len(prefix):]
		}
	}
	return packet
}

// pngXMP returns the last packet of any kind of text that is sound or, where that is
// empty, the last one of the kind that XMP asks for.
func pngXMP(data []byte) []byte {
	const name, international = "XML:com.adobe.xmp", "iTXt"
	var sound, last []byte
	for kind, payload := range pngChunks(data) {
		if key, _, _ := bytes.Cut(payload, []byte{0}); string(key) != name {
			continue
		}
		value, ok := pngText(kind, payload)
		if ok && kind == international {
			last = value
		}
		if ok && (kind != international || utf8.Valid(value)) {
			sound = value
		}
	}
	if len(sound) > 0 {
		return sound
	}
	return last
}

// xmpOrientation reads the orientation from a packet as Pillow does, by the letters:
// an attribute in double quotes, or an element, of one digit. The first one counts.
func xmpOrientation(packet []byte) orientation {
	name := []byte("tiff:Orientation")
	for {
		at := bytes.Index(packet, name)
		if at < 0 {
			return upright
		}
		packet = packet[at+len(name):]
		for _, before := range []string{`="`, ">"} {
			if rest, ok := bytes.CutPrefix(packet, []byte(before)); ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
				return validOrientation(float64(rest[0] - '0'))
			}
		}
	}
}

// bytesTag returns the bytes of a tag whose values are bytes or characters.
func bytesTag(block []byte, tag uint16) []byte {
	e, ok := tifftags.Find(block, tag)
	if !ok || e.Kind() != tifftags.TypeByte && e.Kind() != tifftags.TypeUndefined && e.Kind() != tifftags.TypeASCII {
		return nil
	}
	values, whole := e.Values()
	if !whole {
		return nil
	}
	return values
}

// maxText bounds what the text of a PNG unpacks to, in bytes. It is Pillow's bound.
const maxText = 1 << 20

// pngText returns what a text chunk says, and whether it is one.
func pngText(kind string, payload []byte) (value []byte, ok bool) {
	_, value, ok = bytes.Cut(payload, []byte{0}) // the key
	switch {
	case !ok:
		return nil, false
	case kind == "tEXt":
		return value, true
	case kind == "zTXt" && len(value) > 0 && value[0] == 0: // the one method
		return unpack(value[1:], maxText)
	case kind == "iTXt" && len(value) >= 2:
		packed, method := value[0] != 0, value[1]
		_, value, _ = bytes.Cut(value[2:], []byte{0}) // the language
		_, value, ok = bytes.Cut(value, []byte{0})    // the key in that language
		if packed && ok && method == 0 {
			return unpack(value, maxText)
		}
		return value, ok && !packed
	}
	return nil, false
}

// unpack returns what zlib has packed, if it is at most most bytes; of data that is
// cut off what is there.
func unpack(packed []byte, most int64) ([]byte, bool) {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	unpacked, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || int64(len(unpacked)) > most {
		return nil, false
	}
	return unpacked, true
}

// maxProfile bounds a colour profile, in bytes. Those of cameras have some hundred,
// those of scanners up to two million.
const maxProfile = 4 << 20

// profileOf returns an image's colour profile, or nil where there is none.
func profileOf(format Format, data []byte) []byte {
	var profile []byte
	switch format {
	case JPEG:
		profile = jpegProfile(data)
	case PNG:
		profile = pngProfile(pngChunk(data, "iCCP"))
	case WebP:
		profile = webpMetadata(data, "ICCP", webpProfile)
	case TIFF:
		profile = bytesTag(data, tifftags.TagProfile)
	case BMP:
		profile = bmpProfile(data)
	}
	if len(profile) > maxProfile {
		return nil
	}
	return profile
}

// jpegProfile joins a profile's parts by their numbers. It is none where one is
// missing.
func jpegProfile(data []byte) []byte {
	const prefix = "ICC_PROFILE\x00"
	const head = len(prefix) + 2 // number, from 1, and how many there are
	var parts [256][]byte
	var counts [256]int
	found := 0
	for marker, payload := range jpegfile.Segments(data) {
		if marker == jpegfile.SOS {
			break
		}
		if marker != jpegfile.APP2 || !bytes.HasPrefix(payload, []byte(prefix)) || len(payload) < head {
			continue
		}
		number := payload[len(prefix)]
		if parts[number] != nil {
			return nil
		}
		parts[number], counts[number] = payload[head:], int(payload[len(prefix)+1])
		found++
	}
	for number, part := range parts {
		switch {
		case part == nil:
			continue
		case counts[number] != found:
			return nil
		case found == 1:
			return part
		}
		return bytes.Join(parts[number:], nil)
	}
	return nil
}

// pngProfile unpacks the profile of an iCCP chunk, which has a name before it.
func pngProfile(chunk []byte) []byte {
	_, packed, ok := bytes.Cut(chunk, []byte{0})
	if !ok || len(packed) == 0 || packed[0] != 0 { // the one method
		return nil
	}
	profile, ok := unpack(packed[1:], maxProfile)
	if !ok {
		return nil
	}
	return profile
}

// bmpProfile returns the profile that a header of version 5 says lies in the file.
func bmpProfile(data []byte) []byte {
	const (
		headerAt   = 14
		sizeOfFive = 124
		spaceAt    = headerAt + 56
		placeAt    = headerAt + 112 // counted from the header
		lengthAt   = headerAt + 116
		embedded   = "DEBM"
	)
	if len(data) < headerAt+sizeOfFive || string(data[:2]) != "BM" ||
		binary.LittleEndian.Uint32(data[headerAt:]) < sizeOfFive || string(data[spaceAt:spaceAt+4]) != embedded {
		return nil
	}
	start := headerAt + uint64(binary.LittleEndian.Uint32(data[placeAt:]))
	end := start + uint64(binary.LittleEndian.Uint32(data[lengthAt:]))
	if end > uint64(len(data)) {
		return nil
	}
	return data[start:end]
}

// codePoints returns what a PNG's cICP chunk says of its colours, which goes before
// any profile: primaries and transfer function by their numbers in ITU-T H.273.
func codePoints(data []byte) (primaries, transfer byte, ok bool) {
	const fields = 4
	chunk := pngChunk(data, "cICP")
	if len(chunk) != fields {
		return 0, 0, false
	}
	const matrix, fullRange = 2, 3
	return chunk[0], chunk[1], chunk[matrix] == 0 && chunk[fullRange] == 1
}
