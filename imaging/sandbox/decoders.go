package sandbox

import _ "embed"

// The decoders; scripts/sandbox has their sources, and says what each takes and returns.
// Those of HEIF files take the block that heif/canvas.c describes there, and return the
// picture with its tiles joined.
var (
	// JPEG is libjpeg-turbo. Its pictures are gray, NRGBA or CMYK, as Pillow has them.
	JPEG = New("jpeg", jpegPacked)
	// TIFF is libtiff. Its one argument is what the sample behind the colours is: 0 nothing
	// that counts, 1 alpha that the colours are multiplied with, 2 alpha. Samples that may
	// be negative or have fractions are cut off at 0 and 255.
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
