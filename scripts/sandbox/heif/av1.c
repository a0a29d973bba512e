// decode_frame by dav1d: the item's bytes are OBUs.

#include <errno.h>
#include <string.h>

#include "dav1d/dav1d.h"

#include "../sandbox.h"
#include "canvas.h"

const int chroma_blends = 1;

static Dav1dContext *context;
static Dav1dPicture shown;

static void keep(const uint8_t *data, void *cookie) { (void)data, (void)cookie; }

static void start(void) {
	Dav1dSettings settings;
	dav1d_default_settings(&settings);
	settings.n_threads = 1;
	settings.max_frame_delay = 1;
	settings.all_layers = 0;
	settings.frame_size_limit = most_pixels;
	settings.logger.callback = NULL;
	if (context) {
		dav1d_picture_unref(&shown);
		dav1d_close(&context);
	}
	if (dav1d_open(&context, &settings) < 0) {
		fail("AV1: no memory for the decoder");
	}
}

// step hands data over, and returns 0 once there is a picture.
static int step(Dav1dData *data) {
	if (data->sz > 0) {
		const int status = dav1d_send_data(context, data);
		if (status < 0 && status != DAV1D_ERR(EAGAIN)) {
			return status;
		}
	}
	return dav1d_get_picture(context, &shown);
}

static uint32_t chroma_of(enum Dav1dPixelLayout layout) {
	switch (layout) {
	case DAV1D_PIXEL_LAYOUT_I400:
		return 400;
	case DAV1D_PIXEL_LAYOUT_I420:
		return 420;
	case DAV1D_PIXEL_LAYOUT_I422:
		return 422;
	default:
		return 444;
	}
}

void decode_frame(const uint8_t *data, size_t length, struct frame *frame) {
	start();
	Dav1dData input = {0};
	if (dav1d_data_wrap(&input, data, length, keep, NULL) < 0) {
		fail("AV1: no data");
	}
	int status = step(&input);
	while (status == DAV1D_ERR(EAGAIN) && input.sz > 0) {
		status = step(&input);
	}
	if (status == DAV1D_ERR(EAGAIN)) {
		status = step(&input); // what is left in the decoder
	}
	if (status < 0) {
		fail(status == DAV1D_ERR(EAGAIN) ? "AV1: data without a picture" : "AV1: data that is corrupt, or a picture larger than declared");
	}
	*frame = (struct frame){
		.width = shown.p.w, .height = shown.p.h,
		.chroma = chroma_of(shown.p.layout), .depth = shown.p.bpc,
		.full = shown.seq_hdr->color_range, .matrix = shown.seq_hdr->mtrx, .primaries = shown.seq_hdr->pri,
		.plane = {shown.data[0], shown.data[1], shown.data[2]},
		.stride = {shown.stride[0], shown.stride[1], shown.stride[1]},
	};
}
