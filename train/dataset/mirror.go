package dataset

// mirrorPixels gives rows of so many pixels and channels with left and right
// exchanged.
func mirrorPixels(pixels []byte, width, channels int) []byte {
	out := make([]byte, len(pixels))
	stride := channels * width
	for row := 0; row < len(pixels); row += stride {
		for x := 0; x < stride; x += channels {
			copy(out[row+stride-channels-x:][:channels], pixels[row+x:])
		}
	}
	return out
}
