// libjpeg's other half, which libtiff names but never calls while it reads.

#include "sandbox.h"

#include <stdio.h>
#include <jpeglib.h>

static _Noreturn void no_compression(void) { fail("nothing is written here"); }

void jpeg_CreateCompress(j_compress_ptr c, int version, size_t size) { no_compression(); }
void jpeg_set_defaults(j_compress_ptr c) { no_compression(); }
void jpeg_set_colorspace(j_compress_ptr c, J_COLOR_SPACE s) { no_compression(); }
void jpeg_set_quality(j_compress_ptr c, int quality, boolean force) { no_compression(); }
void jpeg_suppress_tables(j_compress_ptr c, boolean suppress) { no_compression(); }
void jpeg_start_compress(j_compress_ptr c, boolean all) { no_compression(); }
JDIMENSION jpeg_write_scanlines(j_compress_ptr c, JSAMPARRAY rows, JDIMENSION n) { no_compression(); }
JDIMENSION jpeg_write_raw_data(j_compress_ptr c, JSAMPIMAGE rows, JDIMENSION n) { no_compression(); }
void jpeg_finish_compress(j_compress_ptr c) { no_compression(); }
void jpeg_write_tables(j_compress_ptr c) { no_compression(); }
