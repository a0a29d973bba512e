// See canvas.h. The host sends one block: ten words of 32 bits, little-endian, and for
// each tile, row by row, a word with its length and its bytes.

#include "canvas.h"

#include <stdlib.h>
#include <string.h>

#include "../sandbox.h"

enum { FROM_FRAME = 0xffffffff, UNSPECIFIED = 2 };

struct head {
	uint32_t width, height; // of the whole picture
	uint32_t columns, rows; // of tiles
	uint32_t tile_width, tile_height;
	uint32_t full, matrix, primaries; // FROM_FRAME: as the tile says
	uint32_t deep;                    // 1: samples of 16 bits are handed out
};

uint32_t most_pixels;

// rows is one row of samples, widened, chroma at luma's width.
struct rows {
	uint16_t *y, *u, *v, *blend; // blend: chroma at its own width
};

// colours turn samples into RGB: for each of them a factor, by 2^14 for samples of 8
// bits, and the number that stands for none of it.
struct colours {
	uint32_t matrix;
	float luma, red, green_u, green_v, blue; // factors
	float black, gray;                       // samples
	float scale;                             // of the result
};

struct weights {
	float red, blue;
};

static struct weights weights_of_primaries(uint32_t primaries) {
	switch (primaries) {
	case 4:
		return (struct weights){0.30f, 0.11f};
	case 5:
		return (struct weights){0.222021f, 0.071330f};
	case 6:
	case 7:
		return (struct weights){0.212395f, 0.086564f};
	case 9:
		return (struct weights){0.2627f, 0.0593f};
	case 11:
		return (struct weights){0.209492f, 0.068861f};
	case 12:
		return (struct weights){0.228975f, 0.079287f};
	default:
		return (struct weights){0.2126f, 0.0722f};
	}
}

static struct weights weights_of(uint32_t matrix, uint32_t primaries) {
	switch (matrix) {
	case 1:
		return (struct weights){0.2126f, 0.0722f};
	case 4:
		return (struct weights){0.30f, 0.11f};
	case 7:
		return (struct weights){0.212f, 0.087f};
	case 9:
	case 10:
		return (struct weights){0.2627f, 0.0593f};
	case 12:
		return weights_of_primaries(primaries);
	case 11:
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
		fail("colours by matrix %u, expected one of 0 to 10 and 12", matrix);
	default: // unspecified means what most cameras write
		return (struct weights){0.299f, 0.114f};
	}
}

static struct colours colours_of(const struct head *head, const struct frame *f) {
	const uint32_t full = head->full == FROM_FRAME ? f->full : head->full;
	const uint32_t matrix = head->matrix == FROM_FRAME ? f->matrix : head->matrix;
	const uint32_t primaries = head->primaries == FROM_FRAME ? f->primaries : head->primaries;
	const struct weights w = weights_of(f->chroma == 400 ? UNSPECIFIED : matrix, primaries);
	const float unit = (float)(1 << (f->depth - 8)), top = (float)((1 << f->depth) - 1);
	const float luma = full ? 1 : top / (219 * unit);
	const float chroma = full ? 1 : top / (224 * unit);
	const float green = 1 - w.red - w.blue;
	return (struct colours){
		.matrix = matrix,
		.luma = luma,
		.red = chroma * 2 * (1 - w.red),
		.blue = chroma * 2 * (1 - w.blue),
		.green_u = chroma * 2 * (1 - w.blue) * w.blue / green,
		.green_v = chroma * 2 * (1 - w.red) * w.red / green,
		.black = full ? 0 : 16 * unit,
		.gray = 128 * unit,
		.scale = (head->deep ? 65535 : 255) / top,
	};
}

// widen reads one row of a plane.
static void widen(uint16_t *restrict to, const uint8_t *restrict from, uint32_t depth, uint32_t width) {
	if (depth > 8) {
		memcpy(to, from, 2 * width);
		return;
	}
	for (uint32_t x = 0; x < width; x++) {
		to[x] = from[x];
	}
}

// mix blends a row of chroma with the one that lies next on the other side, 3 to 1.
static void mix(uint16_t *restrict near, const uint8_t *restrict far, uint32_t depth, uint32_t width) {
	if (depth > 8) {
		const uint16_t *wide = (const uint16_t *)(const void *)far;
		for (uint32_t x = 0; x < width; x++) {
			near[x] = (uint16_t)((3 * near[x] + wide[x] + 2) >> 2);
		}
		return;
	}
	for (uint32_t x = 0; x < width; x++) {
		near[x] = (uint16_t)((3 * near[x] + far[x] + 2) >> 2);
	}
}

// repeat doubles a row's width; each sample is of two pixels.
static void repeat(uint16_t *restrict to, const uint16_t *restrict from, uint32_t width) {
	for (uint32_t x = 0; x < width; x++) {
		to[x] = from[x / 2];
	}
}

// spread doubles a row's width; each sample lies between two pixels.
static void spread(uint16_t *restrict to, const uint16_t *restrict from, uint32_t width) {
	const uint32_t last = (width + 1) / 2 - 1;
	for (uint32_t x = 0; x < width; x++) {
		const uint32_t at = x / 2;
		const uint32_t next = x % 2 ? (at < last ? at + 1 : at) : (at > 0 ? at - 1 : at);
		to[x] = (uint16_t)((3 * from[at] + from[next] + 2) >> 2);
	}
}

static void chroma_row(uint16_t *to, uint16_t *blend, const struct frame *f, int plane, uint32_t y) {
	if (f->chroma == 444) {
		widen(to, f->plane[plane] + y * f->stride[plane], f->depth, f->width);
		return;
	}
	const uint32_t width = (f->width + 1) / 2;
	const uint32_t rows = f->chroma == 420 ? (f->height + 1) / 2 : f->height;
	const uint32_t row = f->chroma == 420 ? y / 2 : y;
	widen(blend, f->plane[plane] + row * f->stride[plane], f->depth, width);
	if (!chroma_blends) {
		repeat(to, blend, f->width);
		return;
	}
	if (f->chroma == 420) {
		const uint32_t next = y % 2 ? (row + 1 < rows ? row + 1 : row) : (row > 0 ? row - 1 : row);
		mix(blend, f->plane[plane] + next * f->stride[plane], f->depth, width);
	}
	spread(to, blend, f->width);
}

static inline uint32_t level(float value, float scale, float top) {
	value = value * scale + 0.5f;
	return (uint32_t)(value < 0 ? 0 : value > top ? top : value);
}

static inline void rgb_of(const struct colours *c, float y, float u, float v, float rgb[3]) {
	switch (c->matrix) {
	case 0: // the planes are green, blue and red
		rgb[0] = (v - c->black) * c->luma, rgb[1] = (y - c->black) * c->luma, rgb[2] = (u - c->black) * c->luma;
		return;
	case 8: // YCgCo
		y = (y - c->black) * c->luma, u -= c->gray, v -= c->gray;
		rgb[0] = y - u + v, rgb[1] = y + u, rgb[2] = y - u - v;
		return;
	default:
		y = (y - c->black) * c->luma, u -= c->gray, v -= c->gray;
		rgb[0] = y + c->red * v, rgb[1] = y - c->green_u * u - c->green_v * v, rgb[2] = y + c->blue * u;
	}
}

static void shallow_row(uint8_t *restrict to, const struct rows *rows, const struct colours *c, uint32_t width) {
	const struct colours colours = *c;
	for (uint32_t x = 0; x < width; x++) {
		float rgb[3];
		rgb_of(&colours, rows->y[x], rows->u[x], rows->v[x], rgb);
		for (int i = 0; i < 3; i++) {
			to[4 * x + i] = (uint8_t)level(rgb[i], colours.scale, 255);
		}
		to[4 * x + 3] = 255;
	}
}

static void deep_row(uint8_t *restrict to, const struct rows *rows, const struct colours *c, uint32_t width) {
	for (uint32_t x = 0; x < width; x++) {
		float rgb[3];
		rgb_of(c, rows->y[x], rows->u[x], rows->v[x], rgb);
		for (int i = 0; i < 3; i++) {
			const uint32_t sample = level(rgb[i], c->scale, 65535);
			to[8 * x + 2 * i] = (uint8_t)(sample >> 8);
			to[8 * x + 2 * i + 1] = (uint8_t)sample;
		}
		to[8 * x + 6] = to[8 * x + 7] = 255;
	}
}

static void gray_row(uint8_t *to, const struct rows *rows, const struct colours *c, uint32_t width, uint32_t deep) {
	for (uint32_t x = 0; x < width; x++) {
		const uint32_t sample = level((rows->y[x] - c->black) * c->luma, c->scale, deep ? 65535 : 255);
		if (deep) {
			to[2 * x] = (uint8_t)(sample >> 8);
			to[2 * x + 1] = (uint8_t)sample;
		} else {
			to[x] = (uint8_t)sample;
		}
	}
}

static void put_row(struct picture *p, uint8_t *to, const struct rows *rows, const struct colours *c, uint32_t width) {
	switch (p->layout) {
	case LAYOUT_NRGBA:
		shallow_row(to, rows, c, width);
		break;
	case LAYOUT_NRGBA64:
		deep_row(to, rows, c, width);
		break;
	default:
		gray_row(to, rows, c, width, p->layout == LAYOUT_GRAY16);
	}
}

// put writes a tile to its place; what reaches over the picture's edge is left out.
static void put(struct picture *p, const struct head *head, const struct frame *f, uint32_t left, uint32_t top) {
	const struct colours c = colours_of(head, f);
	const uint32_t sample = p->stride / p->width;
	const uint32_t width = left + f->width > p->width ? p->width - left : f->width;
	const uint32_t height = top + f->height > p->height ? p->height - top : f->height;
	uint16_t *block = malloc(4 * sizeof(uint16_t) * f->width);
	if (!block) {
		fail("no memory for a row of %u pixels", f->width);
	}
	const struct rows rows = {block, block + f->width, block + 2 * f->width, block + 3 * f->width};
	for (uint32_t y = 0; y < height; y++) {
		ask();
		widen(rows.y, f->plane[0] + y * f->stride[0], f->depth, f->width);
		if (f->chroma != 400) {
			chroma_row(rows.u, rows.blend, f, 1, y);
			chroma_row(rows.v, rows.blend, f, 2, y);
		}
		put_row(p, p->pixels + (size_t)(top + y) * p->stride + (size_t)left * sample, &rows, &c, width);
	}
	free(block);
}

static enum layout layout_of(const struct head *head, const struct frame *f) {
	if (f->chroma == 400) {
		return head->deep ? LAYOUT_GRAY16 : LAYOUT_GRAY;
	}
	return head->deep ? LAYOUT_NRGBA64 : LAYOUT_NRGBA;
}

static void check(const struct head *head, const struct frame *f) {
	if (f->width != head->tile_width || f->height != head->tile_height) {
		fail("a tile of %ux%u pixels, the header declares %ux%u", f->width, f->height, head->tile_width, head->tile_height);
	}
	if (f->depth < 8 || f->depth > 16) {
		fail("samples of %u bits, expected 8 to 16", f->depth);
	}
}

struct block {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *take(struct block *b, size_t length) {
	if (length > b->left) {
		fail("%zu bytes where %zu are declared", b->left, length);
	}
	const uint8_t *taken = b->at;
	b->at += length;
	b->left -= length;
	return taken;
}

static uint32_t word(struct block *b) {
	uint32_t value;
	memcpy(&value, take(b, sizeof value), sizeof value);
	return value;
}

struct picture *EXPORT(decode)(const uint8_t *data, size_t length) {
	struct block block = {data, length};
	struct head head;
	memcpy(&head, take(&block, sizeof head), sizeof head);
	most_pixels = head.tile_width * head.tile_height;
	struct picture *p = NULL;
	for (uint32_t i = 0; i < head.columns * head.rows; i++) {
		const uint32_t size = word(&block);
		struct frame frame = {0};
		decode_frame(take(&block, size), size, &frame);
		check(&head, &frame);
		if (!p) {
			p = new_picture(head.width, head.height, layout_of(&head, &frame));
		}
		if (p->layout != layout_of(&head, &frame)) {
			fail("tiles in gray and in colour");
		}
		const uint32_t left = i % head.columns * frame.width, top = i / head.columns * frame.height;
		if (left < p->width && top < p->height) {
			put(p, &head, &frame, left, top);
		}
	}
	return p;
}
