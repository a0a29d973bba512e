// decode_frame by libde265: the item's bytes are NAL units, each behind its length, a
// word of 32 bits, little-endian.

#include <cstring>

#include "libde265/de265.h"

#include "../sandbox.h"
#include "canvas.h"

extern "C" const int chroma_blends = 0;

static de265_decoder_context *context;

static void push(const uint8_t *data, size_t length) {
	while (length >= sizeof(uint32_t)) {
		uint32_t size;
		memcpy(&size, data, sizeof size);
		data += sizeof size, length -= sizeof size;
		if (size > length) {
			fail("HEVC: a unit of %u bytes where %zu are left", size, length);
		}
		if (de265_push_NAL(context, data, static_cast<int>(size), 0, nullptr) != DE265_OK) {
			fail("HEVC: no memory for a unit of %u bytes", size);
		}
		data += size, length -= size;
	}
	de265_flush_data(context);
}

// first decodes until there is a picture.
static const de265_image *first() {
	for (int more = 1; more;) {
		const de265_error error = de265_decode(context, &more);
		if (const de265_image *image = de265_get_next_picture(context)) {
			return image;
		}
		if (error != DE265_OK) {
			fail("HEVC: %s", de265_get_error_text(error));
		}
	}
	fail("HEVC: data without a picture");
}

static uint32_t chroma_of(const de265_image *image) {
	switch (de265_get_chroma_format(image)) {
	case de265_chroma_mono:
		return 400;
	case de265_chroma_420:
		return 420;
	case de265_chroma_422:
		return 422;
	default:
		return 444;
	}
}

extern "C" void decode_frame(const uint8_t *data, size_t length, frame *f) {
	if (context) {
		de265_reset(context); // a new one would make all its tables again, 20 ms for each tile
	} else if (!(context = de265_new_decoder())) {
		fail("HEVC: no memory for the decoder");
	}
	push(data, length);
	const de265_image *image = first();
	f->width = de265_get_image_width(image, 0);
	f->height = de265_get_image_height(image, 0);
	f->chroma = chroma_of(image);
	f->depth = de265_get_bits_per_pixel(image, 0);
	f->full = de265_get_image_full_range_flag(image);
	f->matrix = de265_get_image_matrix_coefficients(image);
	f->primaries = de265_get_image_colour_primaries(image);
	for (int i = 0; i < (f->chroma == 400 ? 1 : 3); i++) {
		int stride = 0;
		if (de265_get_bits_per_pixel(image, i) != static_cast<int>(f->depth)) {
			fail("HEVC: luma of %u bits and chroma of %d, expected one depth", f->depth, de265_get_bits_per_pixel(image, i));
		}
		f->plane[i] = de265_get_image_plane(image, i, &stride);
		f->stride[i] = static_cast<size_t>(stride);
	}
}
