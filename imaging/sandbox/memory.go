package sandbox

import (
	"math"

	"github.com/tetratelabs/wazero/experimental"
)

// bounded allocates an instance's memory, of at most the given number of bytes. All of it
// is reserved at once, so that growing copies nothing. It is Go's: the collector
// counts it, and frees it when neither instance nor pixels are used.
type bounded int64

// Allocate implements experimental.MemoryAllocator.
func (b bounded) Allocate(_, _ uint64) experimental.LinearMemory {
	return &linear{bytes: make([]byte, 0, max(0, min(int64(b), math.MaxUint32)))}
}

// linear is the memory of one instance.
type linear struct{ bytes []byte }

// Reallocate implements experimental.LinearMemory: what is beyond the bound is not
// given, which the decoder's malloc sees.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(cap(l.bytes)) {
		return nil
	}
	l.bytes = l.bytes[:size]
	return l.bytes
}

// Free implements experimental.LinearMemory. The image may still be in there.
func (l *linear) Free() {}
