package imaging

import "bytes"

// exifBlock returns the TIFF structure that holds an image's EXIF tags, or nil
// where there is none. BMP and GIF have no place for it.
func exifBlock(format Format, data []byte) []byte {
	switch format {
	case JPEG:
		return jpegExif(data)
	case PNG:
		return trimExifPrefix(pngChunk(data, "eXIf"))
	case WebP:
		return trimExifPrefix(riffChunk(data, "EXIF"))
	case TIFF:
		return data
	}
	return nil
}

// exifPrefix starts the block in a JPEG; some programs write it elsewhere too.
const exifPrefix = "Exif\x00\x00"

func trimExifPrefix(block []byte) []byte {
	return bytes.TrimPrefix(block, []byte(exifPrefix))
}

func jpegExif(data []byte) []byte {
	for marker, payload := range jpegSegments(data) {
		switch {
		case marker == markerSOS:
			return nil
		case marker == markerAPP1 && bytes.HasPrefix(payload, []byte(exifPrefix)):
			return payload[len(exifPrefix):]
		}
	}
	return nil
}

// parseOrientation reads the orientation tag. EXIF blocks are often damaged by
// programs that edit them, while the image is fine: where anything is odd the
// image counts as upright.
func parseOrientation(block []byte) orientation {
	value, ok := shortTag(block, tagOrientation)
	if !ok {
		return upright
	}
	return validOrientation(value)
}
