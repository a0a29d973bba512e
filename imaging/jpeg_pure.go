//go:build !turbo

package imaging

// JPEGDecoder names what decodes JPEG in this build: "image/jpeg", the standard
// library's, or "libturbojpeg" with the build tag turbo.
const JPEGDecoder = "image/jpeg"

// shrunkBytes is what shrinkJPEG takes for each pixel.
const shrunkBytes = 0

// shrinkJPEG leaves every JPEG to the standard library.
func (t task) shrinkJPEG(*scratch) (pixels, bool) {
	return pixels{}, false
}
