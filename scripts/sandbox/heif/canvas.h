// What the two decoders of HEIF files share: pictures in tiles, turned from planes of
// luma and chroma into RGB.
#ifndef CANVAS_H
#define CANVAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// frame is a decoded tile, in the decoder's own memory.
struct frame {
	uint32_t width, height; // pixels, of the first plane
	uint32_t chroma;        // 400, 420, 422 or 444
	uint32_t depth;         // bits of a sample; above 8 it lies in two bytes, little-endian
	uint32_t full;          // 1: samples use the full range
	uint32_t matrix;        // ISO/IEC 23091-2; 2: unspecified
	uint32_t primaries;     // likewise
	const uint8_t *plane[3];
	size_t stride[3]; // bytes from row to row
};

// decode_frame is the decoder's part: it decodes one tile, or calls fail. The frame is
// valid until the next call.
void decode_frame(const uint8_t *data, size_t length, struct frame *frame);

// chroma_blends says how chroma of fewer samples is spread: 1: pixels between samples
// are blends of them, as libavif has it; 0: each pixel takes the sample that it lies in,
// as libheif has it.
extern const int chroma_blends;

// most_pixels is how many pixels a tile's frame may have.
extern uint32_t most_pixels;

#ifdef __cplusplus
}
#endif
#endif
