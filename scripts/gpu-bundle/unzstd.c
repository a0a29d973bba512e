// Unpacks zstd from standard input to standard output: linked statically, so that
// the bundle unpacks on machines that lack zstd.
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

static int fail(const char *what) {
  fprintf(stderr, "unzstd: %s\n", what);
  return 1;
}

int main(void) {
  ZSTD_DCtx *context = ZSTD_createDCtx();
  size_t in_size = ZSTD_DStreamInSize(), out_size = ZSTD_DStreamOutSize();
  char *in = malloc(in_size), *out = malloc(out_size);
  if (!context || !in || !out) return fail("out of memory");
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 31);
  size_t got, left = 0;
  while ((got = fread(in, 1, in_size, stdin)) > 0) {
    ZSTD_inBuffer input = {in, got, 0};
    int full = 0;
    while (input.pos < input.size || full) {
      ZSTD_outBuffer output = {out, out_size, 0};
      left = ZSTD_decompressStream(context, &output, &input);
      if (ZSTD_isError(left)) return fail(ZSTD_getErrorName(left));
      if (fwrite(out, 1, output.pos, stdout) != output.pos) return fail("cannot write");
      full = output.pos == output.size;
    }
  }
  if (ferror(stdin)) return fail("cannot read");
  if (left != 0) return fail("the end is missing");
  return fflush(stdout) ? fail("cannot write") : 0;
}
