// What a decoder in the sandbox shares with package imaging/sandbox, which runs it.
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// How the samples of a picture lie, as Go's package image has them: rows without
// padding, samples of 16 bits with the high byte first.
enum layout {
	LAYOUT_GRAY = 1,    // image.Gray
	LAYOUT_NRGBA = 2,   // image.NRGBA: alpha is not multiplied in
	LAYOUT_CMYK = 3,    // image.CMYK: 255 is full ink
	LAYOUT_GRAY16 = 4,  // image.Gray16
	LAYOUT_NRGBA64 = 5, // image.NRGBA64
	LAYOUT_RGBA = 6,    // image.RGBA: alpha is multiplied in
};

// picture is what decode returns. Five words of 32 bits, which the host reads.
struct picture {
	uint32_t width, height; // pixels
	uint32_t layout;
	uint32_t stride; // bytes from row to row
	uint8_t *pixels;
};

// The function that each decoder exports:
//   struct picture *decode(const uint8_t *data, size_t length, …);
// Further arguments are words of 32 bits, as the caller in Go gives them. It returns
// a whole picture, or does not return: it calls fail.
#define EXPORT(name) __attribute__((export_name(#name))) name

// fail ends the decoder with a message for the caller. Does not return, and unwinds
// nothing: the instance is thrown away.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ask asks the host whether to go on, and does not return where it says no. Each
// function that is compiled with -finstrument-function-entry-bare asks now and
// then anyway.
void ask(void);

// new_picture allocates a picture, or fails. The samples are zero.
struct picture *new_picture(uint32_t width, uint32_t height, enum layout layout);

#ifdef __cplusplus
}
#endif
#endif
