// Package sandbox runs image decoders that are written in C: libraries that know
// variants of their formats which no decoder in Go knows. They are compiled to
// WebAssembly and run by wazero, so that a fault in one ends in an error of one
// picture: each picture has an instance of its own, whose memory is bounded, that can
// reach nothing but its own memory (no files, no network, no clock, no environment),
// and that is thrown away afterwards.
//
// The decoders' sources and what compiles them are in scripts/sandbox.
package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Module is a decoder. It is compiled to machine code once, when it is first used. It
// is safe for concurrent use.
type Module struct {
	name    string
	packed  []byte
	compile func() (*program, error) // once
	places  chan struct{}            // one for each instance at a time
}

// program is a decoder that is ready to run.
type program struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// Spare is how many instances of a decoder run beside one for each processor: whoever
// has workers for what must not wait behind large pictures has no more of them.
const Spare = 3

// New returns the decoder whose module, packed by gzip, is given; name is for errors.
// No more than one instance for each processor and Spare run at a time. The bytes are
// kept.
func New(name string, packed []byte) *Module {
	m := &Module{name: name, packed: packed, places: make(chan struct{}, runtime.GOMAXPROCS(0)+Spare)}
	m.compile = sync.OnceValues(m.load)
	return m
}

// Warm compiles the module unless it is compiled, so that no picture waits for it.
func (m *Module) Warm() error {
	_, err := m.compile()
	return err
}

// Job is an image to decode.
type Job struct {
	Data []byte

	// Memory bounds what the instance takes in all, the encoded bytes and the pixels
	// among it, in bytes. It is taken from Go's heap at once; the system gives what
	// is touched.
	Memory int64

	// GoOn is asked every few milliseconds, on the caller's goroutine. Its error ends
	// the work and is returned as it is. nil: the work always goes on.
	GoOn func() error

	// Args are what the decoder's function takes besides the bytes: words of 32 bits.
	Args []uint32
}

// Decode returns the image, an *image.Gray, *image.Gray16, *image.NRGBA,
// *image.NRGBA64, *image.RGBA or *image.CMYK. Its pixels lie in the instance's
// memory, which lives as long as they are used. The error says what the decoder said,
// or how it ended; no input makes it panic.
func (m *Module) Decode(job Job) (image.Image, error) {
	program, err := m.compile()
	if err != nil {
		return nil, err
	}
	run := &run{goOn: job.GoOn, ends: time.Now().Add(maxTime)}
	if err := m.enter(run); err != nil {
		return nil, err
	}
	defer m.leave()
	run.ends = time.Now().Add(maxTime)
	return program.decode(run, job)
}

// load unpacks and compiles the module, and gives it the functions of the host.
func (m *Module) load() (*program, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(m.packed))
	if err != nil {
		return nil, fmt.Errorf("unpack decoder %s: %w", m.name, err)
	}
	binary, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("unpack decoder %s: %w", m.name, err)
	}
	ctx := context.Background()
	p := &program{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2))}
	if p.compiled, err = p.runtime.CompileModule(ctx, binary); err != nil {
		return nil, fmt.Errorf("compile decoder %s: %w", m.name, err)
	}
	if err := p.offer(ctx); err != nil {
		return nil, fmt.Errorf("link decoder %s: %w", m.name, err)
	}
	return p, nil
}
