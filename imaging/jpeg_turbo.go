//go:build turbo

package imaging

/*
#cgo pkg-config: libturbojpeg
#include <turbojpeg.h>

// Decodes a gray or YCbCr JPEG of the given size to packed RGB of the shrunk size,
// with the exact transform and interpolated chroma. Returns 0 where the image is
// of another kind or size, and for the least complaint of the library, which would
// otherwise fill what is missing with grey.
static int decode_shrunk(const unsigned char *data, unsigned long length, int width, int height,
		unsigned char *rgb, int shrunk_width, int shrunk_height) {
	tjhandle handle = tjInitDecompress();
	if (!handle) {
		return 0;
	}
	int told_width, told_height, subsampling, colors;
	int done = tjDecompressHeader3(handle, data, length, &told_width, &told_height, &subsampling, &colors) == 0 &&
		told_width == width && told_height == height &&
		(colors == TJCS_YCbCr || colors == TJCS_GRAY) &&
		tjDecompress2(handle, data, length, rgb, shrunk_width, shrunk_width * 3, shrunk_height,
			TJPF_RGB, TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) == 0;
	tjDestroy(handle);
	return done;
}
*/
import "C"

import "unsafe"

// JPEGDecoder names what decodes JPEG in this build: "libturbojpeg", or
// "image/jpeg", the standard library's, without the build tag turbo.
const JPEGDecoder = "libturbojpeg"

// shrunkBytes is what shrinkJPEG takes for each pixel, at most.
const shrunkBytes = 3

// oversampling is the least number of samples of a shrunk image for each sample of
// the resize, on each axis. With 1, photographs came 9 dB less close to an
// average over all pixels, and took 0.3 ms less.
const oversampling = 2

// shrinkJPEG decodes by libturbojpeg at a half, a quarter or an eighth of the
// size where the resize needs no more. It takes gray and YCbCr images that the
// library has no complaint about; for all others it returns false, and the standard
// library's decoder has the last word, also about what is wrong with them. So no
// truncated image passes. Some damage goes unnoticed here that the other sees.
//
// The handle and all memory of the library live as long as the one C call; the
// library sees the bytes and the scratch memory where they are.
func (t task) shrinkJPEG(s *scratch) (pixels, bool) {
	divisor := t.divisor()
	width, height := ceilDiv(t.header.Width, divisor), ceilDiv(t.header.Height, divisor)
	rgb := grow(&s.shrunk, width*height*3)
	done := C.decode_shrunk(
		(*C.uchar)(unsafe.SliceData(t.data)), C.ulong(len(t.data)), C.int(t.header.Width), C.int(t.header.Height),
		(*C.uchar)(unsafe.SliceData(rgb)), C.int(width), C.int(height))
	if done == 0 {
		return pixels{}, false
	}
	return pixels{
		width: width, height: height,
		area: area{
			right:  float64(t.header.Width) / float64(divisor),
			bottom: float64(t.header.Height) / float64(divisor),
		},
		read: rgbRows(rgb, width),
	}, true
}

// divisor is by how much the image may shrink. For its other fractions the
// library has no SIMD code on common processors.
func (t task) divisor() int {
	for _, divisor := range []int{8, 4, 2} {
		need := t.needed.Mul(oversampling * divisor)
		if t.header.Width >= need.X && t.header.Height >= need.Y {
			return divisor
		}
	}
	return 1
}

func ceilDiv(n, by int) int {
	return (n + by - 1) / by
}
