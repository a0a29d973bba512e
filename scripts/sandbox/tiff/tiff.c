// A decoder of TIFF for the sandbox: libtiff's codecs, and the samples taken as Pillow
// takes them. The first page, as it is stored: not turned.
//
// Whatever libtiff calls an error ends the decoder, and so do its warnings that coded
// data is damaged or missing.

#include "sandbox.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

// The bytes of the file. libtiff reads them where they lie.
static const uint8_t *file;
static size_t file_length;
static size_t at;

static tmsize_t read_file(thandle_t handle, void *to, tmsize_t count) {
	(void)handle;
	ask();
	size_t left = at < file_length ? file_length - at : 0;
	size_t n = count < 0 ? 0 : (size_t)count < left ? (size_t)count : left;
	memcpy(to, file + at, n);
	at += n;
	return n;
}

static tmsize_t write_file(thandle_t handle, void *from, tmsize_t count) {
	(void)handle, (void)from, (void)count;
	return 0;
}

static toff_t seek_file(thandle_t handle, toff_t offset, int whence) {
	(void)handle;
	if (whence == SEEK_CUR) {
		offset += at;
	} else if (whence == SEEK_END) {
		offset += file_length;
	}
	at = offset > file_length ? file_length : offset;
	return at;
}

static int close_file(thandle_t handle) { return (void)handle, 0; }
static toff_t size_of_file(thandle_t handle) { return (void)handle, file_length; }

static int map_file(thandle_t handle, void **base, toff_t *size) {
	(void)handle;
	*base = (void *)file;
	*size = file_length;
	return 1;
}

static void unmap_file(thandle_t handle, void *base, toff_t size) { (void)handle, (void)base, (void)size; }

// What libtiff expects of the operating system's part.
void *_TIFFmalloc(tmsize_t size) { return size > 0 ? malloc(size) : NULL; }
void *_TIFFcalloc(tmsize_t count, tmsize_t size) { return count > 0 && size > 0 ? calloc(count, size) : NULL; }
void _TIFFfree(void *p) { free(p); }
void *_TIFFrealloc(void *p, tmsize_t size) { return realloc(p, size); }
void _TIFFmemset(void *p, int value, tmsize_t count) { memset(p, value, count); }
void _TIFFmemcpy(void *to, const void *from, tmsize_t count) { memcpy(to, from, count); }
int _TIFFmemcmp(const void *a, const void *b, tmsize_t count) { return memcmp(a, b, count); }

static void say(const char *module, const char *format, va_list args) {
	char text[160];
	vsnprintf(text, sizeof text, format, args);
	fail("%s%s%s", module ? module : "", module ? ": " : "", text);
}

static void on_error(const char *module, const char *format, va_list args) { say(module, format, args); }

_Noreturn void end_jump(void) { fail("the JPEG data is damaged"); }

// Warnings of libjpeg after which every sample is as it was coded.
static int is_harmless(const char *text) {
	return strstr(text, "extraneous bytes") || strstr(text, "Adobe") || strstr(text, "Inconsistent progression") ||
	       strstr(text, "Invalid SOS");
}

static void on_warning(const char *module, const char *format, va_list args) {
	int jpeg = module && strcmp(module, "JPEGLib") == 0;
	if (!jpeg && strncmp(format, "Premature EOF", 13) != 0) {
		return;
	}
	char text[160];
	va_list again;
	va_copy(again, args);
	vsnprintf(text, sizeof text, format, again);
	va_end(again);
	if (!jpeg || !is_harmless(text)) {
		say(module, format, args);
	}
}

TIFFErrorHandler _TIFFerrorHandler = on_error;
TIFFErrorHandler _TIFFwarningHandler = on_warning;

// image is what the tags say, and the picture that is made of it.
struct image {
	TIFF *tiff;
	uint32_t width, height;
	uint16_t bits, samples, format, photometric, planar, compression;
	uint16_t colors; // samples that are colours or an index
	uint32_t alpha;  // what the sample behind the colours is
	uint16_t *red, *green, *blue;
	struct picture *picture;
};

enum { NO_ALPHA = 0, PREMULTIPLIED = 1, STRAIGHT = 2 }; // as the caller gives it

static void read_tags(struct image *m) {
	TIFFGetField(m->tiff, TIFFTAG_IMAGEWIDTH, &m->width);
	TIFFGetField(m->tiff, TIFFTAG_IMAGELENGTH, &m->height);
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_BITSPERSAMPLE, &m->bits);
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_SAMPLESPERPIXEL, &m->samples);
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_SAMPLEFORMAT, &m->format);
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_PLANARCONFIG, &m->planar);
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_COMPRESSION, &m->compression);
	if (!TIFFGetField(m->tiff, TIFFTAG_PHOTOMETRIC, &m->photometric)) {
		m->photometric = PHOTOMETRIC_MINISWHITE;
	}
	if (!m->width || !m->height || !m->samples) {
		fail("%ux%u pixels of %u samples, expected 1 or more", m->width, m->height, m->samples);
	}
}

static enum layout choose_layout(struct image *m) {
	int deep = m->bits == 16 && m->format == SAMPLEFORMAT_UINT;
	switch (m->photometric) {
	case PHOTOMETRIC_MINISWHITE:
	case PHOTOMETRIC_MINISBLACK:
		m->colors = 1;
		if (m->alpha == NO_ALPHA) {
			return deep || m->bits == 12 ? LAYOUT_GRAY16 : LAYOUT_GRAY;
		}
		return deep ? LAYOUT_NRGBA64 : LAYOUT_NRGBA;
	case PHOTOMETRIC_PALETTE:
		m->colors = 1;
		if (m->bits > 8 || !TIFFGetField(m->tiff, TIFFTAG_COLORMAP, &m->red, &m->green, &m->blue)) {
			fail("a palette image of %u bits without palette, expected one of 1 to 8 bits", m->bits);
		}
		return LAYOUT_NRGBA;
	case PHOTOMETRIC_SEPARATED:
		m->colors = 4;
		return LAYOUT_CMYK;
	default:
		m->colors = 3;
		return deep ? LAYOUT_NRGBA64 : LAYOUT_NRGBA;
	}
}

// sample reads one sample of a row: of up to 8 bits from the highest bit on, of more in
// the machine's order of bytes, into which libtiff has brought them.
static inline uint32_t sample(const struct image *m, const uint8_t *row, size_t i) {
	switch (m->bits) {
	case 8:
		return row[i];
	case 16:
		return ((const uint16_t *)row)[i];
	case 32:
		return ((const uint32_t *)row)[i];
	case 12: {
		const uint8_t *pair = row + i / 2 * 3;
		return i % 2 ? (pair[1] & 15) << 8 | pair[2] : pair[0] << 4 | pair[1] >> 4;
	}
	default: {
		size_t bit = i * m->bits;
		return row[bit / 8] >> (8 - m->bits - bit % 8) & ((1 << m->bits) - 1);
	}
	}
}

static uint8_t clip(double v) { return v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0; }

// level brings a sample to the range of the layout: 8 bits, or 16 where the layout has
// them. Numbers that may be negative or have fractions are cut off at 0 and 255.
static inline uint32_t level(const struct image *m, uint32_t v) {
	if (m->bits == 32 && m->format == SAMPLEFORMAT_IEEEFP) {
		float f;
		memcpy(&f, &v, sizeof f);
		return clip(f);
	}
	if (m->bits == 32) {
		return clip((int32_t)v);
	}
	if (m->bits == 16 && m->format == SAMPLEFORMAT_INT) {
		return clip((int16_t)v);
	}
	if (m->bits == 12) {
		return v << 4 | v >> 8;
	}
	return m->bits < 8 ? v * 255 / ((1 << m->bits) - 1) : v;
}

static inline void put(uint8_t *pixel, int component, int deep, uint32_t v) {
	if (deep) {
		pixel[2 * component] = v >> 8;
		pixel[2 * component + 1] = v;
	} else {
		pixel[component] = v;
	}
}

// place puts one sample of a pixel, the number component of those in the file.
static inline void place(const struct image *m, uint8_t *pixel, int component, uint32_t v) {
	enum layout layout = m->picture->layout;
	int deep = layout == LAYOUT_GRAY16 || layout == LAYOUT_NRGBA64;
	if (component == m->colors) {
		put(pixel, 3, deep, level(m, v));
		return;
	}
	if (m->photometric == PHOTOMETRIC_PALETTE) {
		pixel[0] = m->red[v] >> 8;
		pixel[1] = m->green[v] >> 8;
		pixel[2] = m->blue[v] >> 8;
		return;
	}
	v = level(m, v);
	if (layout == LAYOUT_CMYK) {
		pixel[component] = m->bits == 16 ? v >> 8 : v;
		return;
	}
	if (m->photometric == PHOTOMETRIC_MINISWHITE && m->format == SAMPLEFORMAT_UINT && m->bits < 32) {
		v = (deep ? 65535 : 255) - v;
	}
	put(pixel, component, deep, v);
	if (m->colors == 1 && layout != LAYOUT_GRAY && layout != LAYOUT_GRAY16) {
		put(pixel, 1, deep, v);
		put(pixel, 2, deep, v);
	}
}

// is_direct reports whether samples are bytes that stand in the picture as they are.
static int is_direct(const struct image *m) {
	return m->bits == 8 && m->photometric != PHOTOMETRIC_PALETTE &&
	       (m->colors > 1 || (m->picture->layout == LAYOUT_GRAY && m->photometric == PHOTOMETRIC_MINISBLACK));
}

static void place_bytes(uint8_t *pixel, const uint8_t *row, uint32_t width, uint32_t step, uint32_t samples, uint32_t used) {
	for (uint32_t i = 0; i < width; i++, pixel += step, row += samples) {
		for (uint32_t c = 0; c < used; c++) {
			pixel[c] = row[c];
		}
	}
}

// place_block puts a strip or tile: all samples of its pixels, or those of one plane.
static void place_block(const struct image *m, const uint8_t *block, size_t stride, uint32_t x, uint32_t y, uint32_t width,
			uint32_t height, int plane) {
	uint32_t step = m->picture->stride / m->picture->width;
	int used = m->colors + (m->alpha != NO_ALPHA), direct = is_direct(m);
	for (uint32_t j = 0; j < height; j++) {
		const uint8_t *row = block + j * stride;
		uint8_t *pixel = m->picture->pixels + (size_t)(y + j) * m->picture->stride + (size_t)x * step;
		if (direct) {
			place_bytes(pixel + (plane < 0 ? 0 : plane), row, width, step, plane < 0 ? m->samples : 1, plane < 0 ? used : 1);
		}
		for (uint32_t i = 0; i < width && !direct; i++, pixel += step) {
			if (plane >= 0) {
				place(m, pixel, plane, sample(m, row, i));
				continue;
			}
			for (int c = 0; c < used; c++) {
				place(m, pixel, c, sample(m, row, (size_t)i * m->samples + c));
			}
		}
		ask();
	}
}

static uint8_t *block_of(tmsize_t size) {
	uint8_t *block = size > 0 ? malloc(size) : NULL;
	if (!block) {
		fail("no memory for a strip or tile of %lld bytes", (long long)size);
	}
	return block;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void read_tiles(const struct image *m, int plane) {
	uint32_t width = 0, height = 0;
	TIFFGetField(m->tiff, TIFFTAG_TILEWIDTH, &width);
	TIFFGetField(m->tiff, TIFFTAG_TILELENGTH, &height);
	tmsize_t size = TIFFTileSize(m->tiff), stride = TIFFTileRowSize(m->tiff);
	if (!width || !height) {
		fail("tiles of %ux%u, expected a size", width, height);
	}
	uint8_t *block = block_of(size);
	for (uint32_t y = 0; y < m->height; y += height) {
		for (uint32_t x = 0; x < m->width; x += width) {
			ask();
			if (TIFFReadTile(m->tiff, block, x, y, 0, plane < 0 ? 0 : plane) < 0) {
				fail("a tile can't be read");
			}
			place_block(m, block, stride, x, y, least(width, m->width - x), least(height, m->height - y), plane);
			if (height > UINT32_MAX - y || width > UINT32_MAX - x) {
				break;
			}
		}
		if (height > UINT32_MAX - y) {
			break;
		}
	}
	free(block);
}

static void read_strips(const struct image *m, int plane) {
	uint32_t rows = 0;
	TIFFGetFieldDefaulted(m->tiff, TIFFTAG_ROWSPERSTRIP, &rows);
	rows = rows == 0 ? 1 : least(rows, m->height);
	tmsize_t stride = TIFFScanlineSize(m->tiff);
	uint8_t *block = block_of(TIFFStripSize(m->tiff));
	for (uint32_t y = 0; y < m->height; y += rows) {
		uint32_t height = least(rows, m->height - y);
		ask();
		uint32_t strip = TIFFComputeStrip(m->tiff, y, plane < 0 ? 0 : plane);
		tmsize_t got = TIFFReadEncodedStrip(m->tiff, strip, block, stride * height);
		if (got < stride * (tmsize_t)height) {
			fail("a strip has %lld bytes, expected %lld", (long long)got, (long long)stride * height);
		}
		place_block(m, block, stride, 0, y, m->width, height, plane);
	}
	free(block);
}

static void read_samples(const struct image *m) {
	void (*read)(const struct image *, int) = TIFFIsTiled(m->tiff) ? read_tiles : read_strips;
	if (m->planar != PLANARCONFIG_SEPARATE || m->samples == 1) {
		read(m, -1);
		return;
	}
	for (int plane = 0; plane < m->colors + (m->alpha != NO_ALPHA); plane++) {
		read(m, plane);
	}
}

// read_colors has libtiff turn YCbCr into RGB, a band of the picture at a time.
static void read_colors(const struct image *m) {
	char text[1024] = "";
	TIFFRGBAImage colors;
	if (!TIFFRGBAImageBegin(&colors, m->tiff, 1, text)) {
		fail("%s", text);
	}
	colors.req_orientation = colors.orientation; // not turned
	uint32_t rows = 0;
	TIFFGetFieldDefaulted(m->tiff, TIFFIsTiled(m->tiff) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &rows);
	rows = rows == 0 || rows > m->height ? m->height : rows;
	for (uint32_t y = 0; y < m->height; y += rows) {
		ask();
		colors.row_offset = y;
		colors.col_offset = 0;
		uint32_t *to = (uint32_t *)(m->picture->pixels + (size_t)y * m->picture->stride); // RGBA in memory
		if (!TIFFRGBAImageGet(&colors, to, m->width, least(rows, m->height - y))) {
			fail("a strip or tile can't be read");
		}
	}
	TIFFRGBAImageEnd(&colors);
}

static void fill_alpha(struct picture *p) {
	int deep = p->layout == LAYOUT_NRGBA64;
	size_t step = deep ? 8 : 4;
	for (size_t i = 0; i < (size_t)p->stride * p->height; i += step) {
		put(p->pixels + i, 3, deep, 65535);
	}
}

// divide_alpha takes alpha out of colours that it was multiplied into.
static void divide_alpha(struct picture *p) {
	int deep = p->layout == LAYOUT_NRGBA64;
	uint32_t most = deep ? 65535 : 255;
	size_t step = deep ? 8 : 4;
	for (uint8_t *q = p->pixels; q < p->pixels + (size_t)p->stride * p->height; q += step) {
		uint32_t alpha = deep ? q[6] << 8 | q[7] : q[3];
		for (int c = 0; c < 3 && alpha != most; c++) {
			uint32_t v = deep ? q[2 * c] << 8 | q[2 * c + 1] : q[c];
			v = alpha ? least((uint64_t)v * most / alpha, most) : 0;
			put(q, c, deep, v);
		}
	}
}

static double unlab(double f) { return f > 6.0 / 29 ? f * f * f : (f - 4.0 / 29) * 108 / 841; }

static uint8_t gamma_of(double v) {
	v = v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
	return clip(255 * v + 0.5);
}

// lab_to_rgb turns L*a*b* at D50 into sRGB; a and b are signed.
static void lab_to_rgb(struct picture *p) {
	for (uint32_t row = 0; row < p->height; row++, ask()) {
		uint8_t *q = p->pixels + (size_t)row * p->stride;
		for (uint8_t *end = q + p->stride; q < end; q += 4) {
			double y = (q[0] / 2.55 + 16) / 116;
			double x = unlab(y + (int8_t)q[1] / 500.0) * 0.9642, z = unlab(y - (int8_t)q[2] / 200.0) * 0.8249;
			y = unlab(y);
			q[0] = gamma_of(3.1338561 * x - 1.6168667 * y - 0.4906146 * z);
			q[1] = gamma_of(-0.9787684 * x + 1.9161415 * y + 0.0334540 * z);
			q[2] = gamma_of(0.0719453 * x - 0.2289914 * y + 1.4052427 * z);
		}
	}
}

// The tiff package of Go has seen the tags, and lets pass what is decoded here. alpha
// is one of the constants above.
struct picture *EXPORT(decode)(const uint8_t *data, size_t length, uint32_t alpha) {
	file = data, file_length = length;
	struct image m = {.alpha = alpha};
	m.tiff = TIFFClientOpen("image", "r", NULL, read_file, write_file, seek_file, close_file, size_of_file, map_file, unmap_file);
	if (!m.tiff) {
		fail("the directory can't be read");
	}
	read_tags(&m);
	int by_libtiff = m.photometric == PHOTOMETRIC_YCBCR && m.samples >= 3;
	if (m.photometric == PHOTOMETRIC_YCBCR && m.samples == 1) {
		m.photometric = PHOTOMETRIC_MINISBLACK;
	}
	if (by_libtiff && m.compression == COMPRESSION_JPEG && m.planar == PLANARCONFIG_CONTIG) {
		TIFFSetField(m.tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
		by_libtiff = 0;
	}
	by_libtiff |= m.compression == COMPRESSION_OJPEG;
	enum layout layout = choose_layout(&m);
	if (!by_libtiff && m.samples < m.colors + (alpha != NO_ALPHA)) {
		fail("%u samples, expected %u or more", m.samples, m.colors + (alpha != NO_ALPHA));
	}
	m.picture = new_picture(m.width, m.height, layout);
	if (by_libtiff) {
		read_colors(&m);
	} else {
		read_samples(&m);
	}
	if (m.photometric == PHOTOMETRIC_CIELAB) {
		lab_to_rgb(m.picture);
	}
	if ((layout == LAYOUT_NRGBA || layout == LAYOUT_NRGBA64) && alpha == NO_ALPHA) {
		fill_alpha(m.picture);
	}
	if (alpha == PREMULTIPLIED) {
		divide_alpha(m.picture);
	}
	return m.picture;
}
