package imaging

import "image"

// codec is how one format is read. Its functions get bytes of which nothing is known
// but their first few, and may panic: they are called under guard.
type codec struct {
	// config reads the size from the same fields as the decoder will.
	config func(data []byte) (image.Config, error)

	// check refuses what would cost the decoder more than the image is worth, once the
	// size has passed the limits; nil: there is nothing to check.
	check func(header Header, data []byte) error

	// cost is what decoding takes; turn and resize are not in it.
	cost func(header Header, data []byte) (Cost, error)

	// decode returns the image as it is stored: not turned, with its transparency.
	decode func(t task, from *source) (image.Image, error)

	// second decodes what decode refuses, within task.run's bounds; nil: nothing does.
	second func(t task, from *source) (image.Image, error)
}

// codecOf returns how the format, one that sniff detects, is read.
func codecOf(format Format) codec {
	switch format {
	case JPEG:
		return codec{config: jpegConfig, cost: jpegCost, decode: decodeJPEG, second: secondJPEG}
	case PNG:
		return codec{config: pngConfig, check: checkPNG, cost: pngCost, decode: decodePNG, second: restorePNG}
	case GIF:
		return codec{config: gifConfig, check: checkGIF, cost: gifCost, decode: decodeGIF}
	case BMP:
		return codec{config: bmpConfig, check: checkBMP, cost: bmpCost, decode: decodeBMP}
	case PNM:
		return codec{config: pnmConfig, check: checkPNM, cost: pnmCost, decode: decodePNM}
	case TIFF:
		return codec{config: tiffConfig, check: checkBlocks, cost: tiffCost, decode: decodeTIFF, second: secondTIFF}
	case HEIC, AVIF:
		return codec{config: heifConfig, cost: heifCost, decode: decodeHEIF}
	default: // the last one, so that every format has a codec
		return codec{config: webpConfig, check: checkWebP, cost: webpCost, decode: decodeWebP}
	}
}

// inspect checks the image's body, and tells what decoding takes.
func (c codec) inspect(header Header, data []byte) (Cost, error) {
	return guard(header.Format, func() (Cost, error) {
		if c.check != nil {
			if err := c.check(header, data); err != nil {
				return Cost{}, err
			}
		}
		return c.cost(header, data)
	})
}
