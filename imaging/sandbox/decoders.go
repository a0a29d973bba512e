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
