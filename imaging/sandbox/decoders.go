package sandbox

import _ "embed"

// The decoders; scripts/sandbox has their sources, and says what each takes and returns.
// Those of HEIF files take the block that heif/canvas.c describes there, and return the
// picture with its tiles joined.
var (
	// JPEG is libjpeg-turbo.
	JPEG = New("jpeg", jpegPacked)
	// TIFF is libtiff.
	TIFF = New("tiff", tiffPacked)
	// HEVC is libde265, for HEIC.
	HEVC = New("hevc", hevcPacked)
	// AV1 is dav1d, for AVIF.
	AV1 = New("av1", av1Packed)
)

//go:embed jpeg.wasm.gz
var jpegPacked []byte

//go:embed tiff.wasm.gz
var tiffPacked []byte

//go:embed hevc.wasm.gz
var hevcPacked []byte

//go:embed av1.wasm.gz
var av1Packed []byte
