package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// decode runs one instance for one image.
func (p *program) decode(r *run, job Job) (image.Image, error) {
	if least := p.leastMemory(); job.Memory < least {
		return nil, fmt.Errorf("the decoder is to take at most %d bytes, expected %d or more", job.Memory, least)
	}
	ctx := context.WithValue(context.Background(), runKey{}, r)
	ctx = experimental.WithMemoryAllocator(ctx, bounded(job.Memory))
	picture, err := p.picture(ctx, job)
	if r.err != nil {
		return nil, r.err
	}
	if err != nil {
		// Of what wazero says the first line: the others are addresses in the decoder.
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(line)
	}
	return picture, nil
}

// leastMemory is what an instance takes before it has seen an image, in bytes.
func (p *program) leastMemory() int64 {
	const page = 64 << 10
	var pages int64
	for _, memory := range p.compiled.ExportedMemories() {
		pages += int64(memory.Min())
	}
	return pages * page
}

func (p *program) picture(ctx context.Context, job Job) (image.Image, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	instance, err := p.runtime.InstantiateModule(ctx, p.compiled, config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = instance.Close(ctx) }() // nothing of it is left to fail
	args := make([]uint64, 2, 2+len(job.Args))
	if args[0], args[1], err = give(ctx, instance, job.Data); err != nil {
		return nil, err
	}
	for _, word := range job.Args {
		args = append(args, uint64(word))
	}
	at, err := call(ctx, instance, "decode", args...)
	if err != nil {
		return nil, err
	}
	return take(instance.Memory(), uint32(at))
}

// give copies the encoded bytes into the instance's memory.
func give(ctx context.Context, instance api.Module, data []byte) (at, length uint64, err error) {
	if len(data) > math.MaxInt32 {
		return 0, 0, fmt.Errorf("%d encoded bytes, expected at most %d", len(data), math.MaxInt32)
	}
	if at, err = call(ctx, instance, "reserve", uint64(len(data))); err != nil {
		return 0, 0, err
	}
	if !instance.Memory().Write(uint32(at), data) {
		return 0, 0, errGaveUp
	}
	return at, uint64(len(data)), nil
}

// call calls a function of one result.
func call(ctx context.Context, instance api.Module, name string, args ...uint64) (uint64, error) {
	f := instance.ExportedFunction(name)
	if f == nil || len(f.Definition().ParamTypes()) != len(args) || len(f.Definition().ResultTypes()) != 1 {
		return 0, fmt.Errorf("the decoder has no function %s of %d parameters and one result", name, len(args))
	}
	results, err := f.Call(ctx, args...)
	if err != nil {
		return 0, err
	}
	return results[0], nil
}

// The layouts of scripts/sandbox/sandbox.h.
const (
	layoutGray = 1 + iota
	layoutNRGBA
	layoutCMYK
	layoutGray16
	layoutNRGBA64
	layoutRGBA
)

// take reads the structure that decode returned. Nothing in it is believed: a decoder
// that was led astray can have written anything there.
func take(memory api.Memory, at uint32) (image.Image, error) {
	const words = 5
	header, ok := memory.Read(at, 4*words)
	if !ok {
		return nil, errGaveUp
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(header[4*i:]) }
	width, height, stride := int64(word(0)), int64(word(1)), int64(word(3))
	bytes := bytesOf(word(2))
	if bytes == 0 || width == 0 || height == 0 || stride < bytes*width || stride > math.MaxUint32/height {
		return nil, errGaveUp
	}
	pix, ok := memory.Read(word(4), uint32(stride*height))
	if !ok {
		return nil, errGaveUp
	}
	return imageOf(word(2), pix, int(stride), image.Rect(0, 0, int(width), int(height))), nil
}

// bytesOf is how many bytes a pixel has; 0: there is no such layout.
func bytesOf(layout uint32) int64 {
	switch layout {
	case layoutGray:
		return 1
	case layoutGray16:
		return 2
	case layoutNRGBA, layoutCMYK, layoutRGBA:
		return 4
	case layoutNRGBA64:
		return 8
	}
	return 0
}

func imageOf(layout uint32, pix []byte, stride int, rect image.Rectangle) image.Image {
	switch layout {
	case layoutGray:
		return &image.Gray{Pix: pix, Stride: stride, Rect: rect}
	case layoutGray16:
		return &image.Gray16{Pix: pix, Stride: stride, Rect: rect}
	case layoutCMYK:
		return &image.CMYK{Pix: pix, Stride: stride, Rect: rect}
	case layoutNRGBA64:
		return &image.NRGBA64{Pix: pix, Stride: stride, Rect: rect}
	case layoutRGBA:
		return &image.RGBA{Pix: pix, Stride: stride, Rect: rect}
	default: // the last one, as bytesOf has seen
		return &image.NRGBA{Pix: pix, Stride: stride, Rect: rect}
	}
}
