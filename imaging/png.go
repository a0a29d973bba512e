package imaging

import "fmt"

// deflateRatio is the most that deflate packs: 258 bytes into two codes of one
// bit.
const deflateRatio = 258 * 8 / 2

// checkPNGLength holds the header against the bytes that are there: the decoder
// takes the memory for all pixels before it unpacks the first.
func checkPNGLength(header Header, data []byte) error {
	ihdr := pngChunk(data, "IHDR")
	const depth, colour, fields = 8, 9, 13
	if len(ihdr) != fields {
		return fmt.Errorf("png: IHDR has %d bytes, expected %d", len(ihdr), fields)
	}
	// An unknown colour type counts as one sample: the decoder refuses it.
	samples := map[byte]int64{2: 3, 4: 2, 6: 4}[ihdr[colour]]
	bits := int64(ihdr[depth]) * max(samples, 1)
	want := int64(header.Height) * (int64(header.Width)*bits + 7) / 8
	if most := int64(len(data)) * deflateRatio; most < want {
		return fmt.Errorf("png: %d bytes unpack to at most %d, %dx%d pixels of %d bits take %d", len(data), most, header.Width, header.Height, bits, want)
	}
	return nil
}
