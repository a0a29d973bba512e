package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"time"

	"siamese/imaging/internal/heif"
	"siamese/imaging/sandbox"
)

// heifConfig returns the size as shown: cropped and turned as the file says.
func heifConfig(data []byte) (image.Config, error) {
	p, err := heif.Parse(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{Width: p.Width, Height: p.Height}, nil
}

// decodeHEIF decodes colours and transparency, each in an instance of its own.
func decodeHEIF(t task, from *source) (image.Image, error) {
	p, err := heif.Parse(t.data)
	if err != nil {
		return nil, err
	}
	within := deadline{until: time.Now().Add(heifPatience(t.header.Cost.Work)), goOn: from.ask}
	decoded, err := decodeCoded(p.Colour, coloursOf(p), within.ask)
	if err != nil {
		return nil, err
	}
	if p.Alpha != nil {
		alpha, err := decodeCoded(*p.Alpha, alphaOf(p), within.ask)
		if err != nil {
			return nil, fmt.Errorf("transparency: %w", err)
		}
		if decoded, err = p.Join(decoded, alpha); err != nil {
			return nil, err
		}
	}
	return p.Show(decoded)
}

// deadline ends a decoder that data has sent astray.
type deadline struct {
	until time.Time
	goOn  func() error
}

func (d deadline) ask() error {
	if err := d.goOn(); err != nil {
		return err
	}
	if time.Now().After(d.until) {
		return errors.New("the decoder has not ended in time")
	}
	return nil
}

// heifPatience is how long decoders may take: far longer than they do on a machine that
// many share.
func heifPatience(work time.Duration) time.Duration {
	const least, factor = 10 * time.Second, 20
	return least + factor*work
}

// asDecoded says that a fact about colours is the one in the encoded picture.
const asDecoded = 0xffffffff

// sampling is how samples become colours, by numbers of ISO/IEC 23091-2.
type sampling struct{ full, matrix, primaries uint32 }

// coloursOf prefers what the file says to what its pictures say.
func coloursOf(p *heif.Picture) sampling {
	if p.NCLX == nil {
		return sampling{asDecoded, asDecoded, asDecoded}
	}
	full := uint32(0)
	if p.NCLX.Full {
		full = 1
	}
	return sampling{full, uint32(p.NCLX.Matrix), uint32(p.NCLX.Primaries)}
}

// alphaOf: of HEVC the range is full whatever the picture says, as libheif has it.
func alphaOf(p *heif.Picture) sampling {
	if p.Alpha.Codec == heif.HEVC {
		return sampling{1, asDecoded, asDecoded}
	}
	return sampling{asDecoded, asDecoded, asDecoded}
}

func decodeCoded(c heif.Coded, how sampling, goOn func() error) (image.Image, error) {
	tiles, err := c.Tiles()
	if err != nil {
		return nil, err
	}
	decoder := sandbox.HEVC
	if c.Codec == heif.AV1 {
		decoder = sandbox.AV1
	}
	return decoder.Decode(sandbox.Job{Data: heifBlock(c, how, tiles), Memory: heifMemory(c), GoOn: goOn})
}

// heifBlock is what the decoders take: see scripts/sandbox/heif/canvas.c.
func heifBlock(c heif.Coded, how sampling, tiles [][]byte) []byte {
	deep := uint32(0)
	if c.Depth > 8 {
		deep = 1
	}
	var block []byte
	for _, word := range []uint32{
		uint32(c.Width), uint32(c.Height), uint32(c.Columns), uint32(c.Rows),
		uint32(c.TileWidth), uint32(c.TileHeight), how.full, how.matrix, how.primaries, deep,
	} {
		block = binary.LittleEndian.AppendUint32(block, word)
	}
	for _, tile := range tiles {
		block = binary.LittleEndian.AppendUint32(block, uint32(len(tile)))
		block = append(block, tile...)
	}
	return block
}

// heifMemory bounds what an instance takes: the pixels that it hands out, a tile with
// what the decoder keeps for each of its pixels, and the encoded bytes.
func heifMemory(c heif.Coded) int64 {
	const (
		single  = 8 << 20  // stack, tables and buffers
		grid    = 32 << 20 // with the gaps that tile after tile leaves
		perTile = 12       // bytes for a pixel, measured
	)
	tile := int64(c.TileWidth+128) * int64(c.TileHeight+128) * perTile
	if c.Depth > 8 {
		tile *= 2
	}
	fixed := int64(single)
	if c.Columns*c.Rows > 1 {
		fixed = grid
	}
	return fixed + int64(c.Width)*int64(c.Height)*heifPixel(c) + tile + 2*c.Length()
}

// heifPixel is the bytes of a pixel that is handed out.
func heifPixel(c heif.Coded) int64 {
	bytes := int64(4)
	if c.Gray {
		bytes = 1
	}
	if c.Depth > 8 {
		bytes *= 2
	}
	return bytes
}

// heifCost counts the instances, the block that each is given, and a copy of the
// pixels for each turn.
func heifCost(_ Header, data []byte) (Cost, error) {
	p, err := heif.Parse(data)
	if err != nil {
		return Cost{}, err
	}
	cost := codedCost(p.Colour)
	pixels := int64(p.Colour.Width) * int64(p.Colour.Height)
	turned := pixels * heifPixel(p.Colour)
	if p.Alpha != nil {
		cost = sum(cost, codedCost(*p.Alpha))
		turned = 8 * pixels
		cost.Bytes += turned // of gray that becomes coloured
	}
	cost.Bytes += turned * int64(len(p.Steps))
	cost.Work += time.Duration(pixels) * pixelWork * time.Duration(len(p.Steps))
	return cost, nil
}

func codedCost(c heif.Coded) Cost {
	pixels := int64(c.Columns) * int64(c.Rows) * int64(c.TileWidth) * int64(c.TileHeight)
	start, tile := hevcStartWork, hevcTileWork
	if c.Codec == heif.AV1 {
		start, tile = av1StartWork, av1TileWork
	}
	work := start + time.Duration(pixels)*heifWork + time.Duration(c.Length())*heifByteWork +
		time.Duration(c.Columns*c.Rows)*tile
	return Cost{Bytes: heifMemory(c) + 2*c.Length(), Work: work}
}
