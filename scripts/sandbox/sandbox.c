// The part that all decoders in the sandbox share: see sandbox.h.

#include "sandbox.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define UNCOUNTED __attribute__((no_instrument_function))

__attribute__((import_module("host"), import_name("ask"))) void host_ask(void);
__attribute__((import_module("host"), import_name("fail"))) _Noreturn void host_fail(const char *text, size_t length);

UNCOUNTED void ask(void) { host_ask(); }

UNCOUNTED _Noreturn void fail(const char *format, ...) {
	char text[200];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (length < 0) {
		length = 0;
	}
	if ((size_t)length >= sizeof text) {
		length = sizeof text - 1;
	}
	host_fail(text, length);
}

// How many calls of functions lie between two questions: about a millisecond.
#define CALLS 50000

static int calls_left = CALLS;

UNCOUNTED void __cyg_profile_func_enter_bare(void) {
	if (--calls_left <= 0) {
		calls_left = CALLS;
		host_ask();
	}
}

static uint32_t bytes_of(enum layout layout) {
	switch (layout) {
	case LAYOUT_GRAY:
		return 1;
	case LAYOUT_GRAY16:
		return 2;
	case LAYOUT_NRGBA64:
		return 8;
	default:
		return 4;
	}
}

// pages takes memory of whole pages past malloc, which would round it up to a power of
// two of them. It is zero.
static void *pages(uint64_t bytes) {
	const uint64_t page = 65536;
	size_t first = bytes > INT32_MAX ? SIZE_MAX : __builtin_wasm_memory_grow(0, (bytes + page - 1) / page);
	return first == SIZE_MAX ? NULL : (void *)(first * page);
}

struct picture *new_picture(uint32_t width, uint32_t height, enum layout layout) {
	struct picture *p = malloc(sizeof *p);
	uint64_t stride = (uint64_t)width * bytes_of(layout);
	if (!width || !height || stride * height > INT32_MAX) {
		fail("%ux%u pixels, expected at least 1x1 and less than 2 GiB of them", width, height);
	}
	uint8_t *pixels = pages(stride * height);
	if (!p || !pixels) {
		fail("no memory for %ux%u pixels", width, height);
	}
	*p = (struct picture){.width = width, .height = height, .layout = layout, .stride = stride, .pixels = pixels};
	return p;
}

// For the host, which writes the encoded image there.
uint8_t *EXPORT(reserve)(size_t length) {
	uint8_t *bytes = pages(length ? length : 1);
	if (!bytes) {
		fail("no memory for %zu encoded bytes", length);
	}
	return bytes;
}

// There is no environment: the libraries' questions for it find nothing.
char *getenv(const char *name) {
	(void)name;
	return NULL;
}
