// A decoder of JPEG for the sandbox: libjpeg-turbo with the settings that Pillow has,
// the exact transform and interpolated chroma.
//
// A complaint about the coded data ends it, since libjpeg would fill with grey what is
// missing. Data that ends behind the last row but before the end's marker is complete.

#include "sandbox.h"

#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

static void end_with_error(j_common_ptr info) {
	char text[JMSG_LENGTH_MAX];
	info->err->format_message(info, text);
	fail("%s", text);
}

// Warnings after which every sample is as it was coded: bytes between segments, and
// parameters of a scan or of a marker that say nothing which is not known anyway.
static int is_harmless(int code) {
	switch (code) {
	case JWRN_EXTRANEOUS_DATA:
	case JWRN_ADOBE_XFORM:
	case JWRN_NOT_SEQUENTIAL:
	case JWRN_BOGUS_PROGRESSION:
	case JWRN_JPEG_EOF: // what follows is seen to by is_complete
		return 1;
	}
	return 0;
}

static void warn(j_common_ptr info, int level) {
	if (level < 0 && !is_harmless(info->err->msg_code)) {
		end_with_error(info);
	}
}

// The source is all bytes at once, and then an end's marker again and again.
static int ended;

static void start_or_end(j_decompress_ptr info) { (void)info; }

static boolean past_the_end(j_decompress_ptr info) {
	static const JOCTET end[] = {0xff, JPEG_EOI};
	ended = 1;
	WARNMS(info, JWRN_JPEG_EOF);
	info->src->next_input_byte = end;
	info->src->bytes_in_buffer = sizeof end;
	return TRUE;
}

static void skip(j_decompress_ptr info, long count) {
	if (count <= 0) {
		return;
	}
	if ((size_t)count > info->src->bytes_in_buffer) {
		past_the_end(info);
		return;
	}
	info->src->next_input_byte += count;
	info->src->bytes_in_buffer -= count;
}

// Of an image that lost its end, scans may be missing: each component has to have had
// one, when its table is latched, and of a progressive one all bits of all coefficients
// have to be there. Of one in arithmetic coding anything may be: what is
// missing reads as zeros, which encoders leave out.
static int is_complete(j_decompress_ptr info) {
	if (!ended) {
		return 1;
	}
	if (info->arith_code) {
		return 0;
	}
	for (int c = 0; c < info->num_components; c++) {
		if (!info->comp_info[c].quant_table) {
			return 0;
		}
		for (int k = 0; info->progressive_mode && k < DCTSIZE2; k++) {
			if (info->coef_bits[c][k] != 0) {
				return 0;
			}
		}
	}
	return 1;
}

static enum layout colors_of(j_decompress_ptr info) {
	switch (info->num_components) {
	case 1:
		info->out_color_space = JCS_GRAYSCALE;
		return LAYOUT_GRAY;
	case 3:
		info->out_color_space = JCS_EXT_RGBA;
		return LAYOUT_NRGBA;
	case 4:
		info->out_color_space = JCS_CMYK;
		return LAYOUT_CMYK;
	}
	fail("%d components, expected 1, 3 or 4", info->num_components);
}

struct picture *EXPORT(decode)(const uint8_t *data, size_t length) {
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source = {
		.next_input_byte = data, .bytes_in_buffer = length,
		.init_source = start_or_end, .fill_input_buffer = past_the_end, .skip_input_data = skip,
		.resync_to_restart = jpeg_resync_to_restart, .term_source = start_or_end};
	struct jpeg_decompress_struct info;
	info.err = jpeg_std_error(&errors);
	errors.error_exit = end_with_error;
	errors.emit_message = warn;
	jpeg_create_decompress(&info);
	info.src = &source;
	jpeg_read_header(&info, TRUE);
	enum layout layout = colors_of(&info);
	jpeg_start_decompress(&info);
	struct picture *p = new_picture(info.output_width, info.output_height, layout);
	while (info.output_scanline < info.output_height) {
		JSAMPROW row = p->pixels + (size_t)info.output_scanline * p->stride;
		jpeg_read_scanlines(&info, &row, 1);
	}
	if (!is_complete(&info)) {
		fail("the data ends before the last scan does");
	}
	if (layout == LAYOUT_CMYK) { // Adobe's convention, which all have: 255 is no ink
		for (size_t i = 0; i < (size_t)p->stride * p->height; i++) {
			p->pixels[i] = 255 - p->pixels[i];
		}
	}
	return p;
}
