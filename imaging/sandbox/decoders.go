package sandbox

import (
	_ "embed" // the decoders' modules
	"sync"
)

//go:embed jpeg.wasm.gz
var jpegPacked []byte

var jpegModule = sync.OnceValue(func() *Module { return New("jpeg", jpegPacked) })

// JPEG is libjpeg-turbo. Its pictures are gray, NRGBA or CMYK, as Pillow has them.
func JPEG() *Module { return jpegModule() }

//go:embed tiff.wasm.gz
var tiffPacked []byte

var tiffModule = sync.OnceValue(func() *Module { return New("tiff", tiffPacked) })

// TIFF is libtiff. Its one argument is what the sample behind the colours is: 0 nothing
// that counts, 1 alpha that the colours are multiplied with, 2 alpha. Samples that may be
// negative or have fractions are cut off at 0 and 255.
func TIFF() *Module { return tiffModule() }
