// libtiff's codec of LZMA over liblzma's decoder alone. A dictionary is at most as large
// as a strip or tile: nothing in one can lie further back, whatever the file declares.

#include "sandbox.h"

#include "tiffiop.h"
#include <lzma.h>

static uint32_t dictionary_limit;

static lzma_ret start_stream(lzma_stream *stream, TIFF *tiff) {
	tmsize_t size = isTiled(tiff) ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
	dictionary_limit = size > LZMA_DICT_SIZE_MIN ? size : LZMA_DICT_SIZE_MIN;
	return lzma_stream_decoder(stream, UINT64_MAX, 0);
}

lzma_ret lzma_lzma2_props_decode(void **options, const lzma_allocator *a, const uint8_t *props, size_t length);

// limited_props stands in the place of liblzma's own where filters are looked up.
lzma_ret limited_props(void **options, const lzma_allocator *a, const uint8_t *props, size_t length) {
	lzma_ret got = lzma_lzma2_props_decode(options, a, props, length);
	if (got == LZMA_OK) {
		lzma_options_lzma *lzma = *options;
		if (lzma->dict_size > dictionary_limit) {
			lzma->dict_size = dictionary_limit;
		}
	}
	return got;
}

#define lzma_stream_decoder(stream, limit, flags) start_stream(stream, tif)
#include "tif_lzma.c"

static _Noreturn void no_compression(void) { fail("nothing is written here"); }

lzma_ret lzma_stream_encoder(lzma_stream *s, const lzma_filter *filters, lzma_check check) { no_compression(); }

// Asked for as a file is opened, for the sake of writing.
lzma_bool lzma_lzma_preset(lzma_options_lzma *options, uint32_t preset) { return 0; }
