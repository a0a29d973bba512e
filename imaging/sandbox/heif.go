package sandbox

import _ "embed" // of the decoders

// The decoders of the pictures in HEIF files. Both take the block that
// scripts/sandbox/heif/canvas.c describes, and return the picture with its tiles joined.
var (
	// HEVC is libde265, for HEIC.
	HEVC = New("hevc", hevcPacked)
	// AV1 is dav1d, for AVIF.
	AV1 = New("av1", av1Packed)
)

//go:embed hevc.wasm.gz
var hevcPacked []byte

//go:embed av1.wasm.gz
var av1Packed []byte
