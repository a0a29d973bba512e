// libtiff's codec of Zstandard over zstd's decompressor alone. A strip or tile is
// decompressed straight to where it belongs, so that no window is held beside it: what
// the file says of one's size asks for no memory.

#include "sandbox.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

static ZSTD_DStream *create_stream(void) {
	ZSTD_DStream *stream = ZSTD_createDStream();
	if (!stream || ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_stableOutBuffer, 1))) {
		fail("no memory for Zstandard");
	}
	return stream;
}

#define ZSTD_createDStream create_stream
#include "tif_zstd.c"

static _Noreturn void no_compression(void) { fail("nothing is written here"); }

ZSTD_CStream *ZSTD_createCStream(void) { no_compression(); }
size_t ZSTD_freeCStream(ZSTD_CStream *s) { no_compression(); }
size_t ZSTD_initCStream(ZSTD_CStream *s, int level) { no_compression(); }
size_t ZSTD_compressStream(ZSTD_CStream *s, ZSTD_outBuffer *to, ZSTD_inBuffer *from) { no_compression(); }
size_t ZSTD_endStream(ZSTD_CStream *s, ZSTD_outBuffer *to) { no_compression(); }
int ZSTD_maxCLevel(void) { no_compression(); }
