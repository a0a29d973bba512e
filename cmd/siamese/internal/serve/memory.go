package serve

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"siamese/cmd/internal/cli"
	"siamese/server"
)

const (
	// ownBytes is what the program takes beside the calls' budget and what it keeps of
	// embeddings: code, one model, TensorFlow's buffers of the largest runs.
	// docs/operations.md has what was measured.
	ownBytes = 384 << 20

	// nativeBytes is what of that Go's runtime does not know of.
	nativeBytes = 320 << 20

	// furtherBytes is what each further model takes that has the built-in ones' size:
	// 72 MB were measured. Go's runtime does not know of it.
	furtherBytes = 80 << 20
)

// planMemory fills in --memory from the limit of the container, or else the memory of
// the machine, and has Go collect its garbage in time for it. GOMEMLIMIT stands where
// it is set. A limit that leaves no room for calls is an error; where that is so for the
// sake of a built-in model that was not asked for, that one is left out.
func (c *Command) planMemory(chosen *choice, logger *slog.Logger) error {
	limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		limit = noLimit
	}
	if err != nil && !errors.Is(err, memlimit.ErrNoLimit) {
		logger.Warn("the limit of memory is not known", "err", err)
	}
	limit = min(limit, noLimit)
	room := func() int64 { return int64(limit) - c.besideCalls(len(chosen.models)) }
	for c.Memory == 0 && room() < server.MinMemoryBytes && chosen.leaveOutLast() {
		logger.Warn("memory is limited: a built-in model is left out; --model serves it all the same", "limit", limit, "serving", chosen.names())
	}
	if c.Memory > room() {
		logger.Warn("--memory is more than the limit of memory leaves", "memory", c.Memory, "limit", limit, "leaves", max(room(), 0))
	}
	if c.Memory == 0 {
		if c.Memory, err = memoryOf(room()); err != nil {
			return cli.Usage(fmt.Errorf("memory is limited to %d MB, of which %d MB are taken beside calls by %d models: %w",
				limit>>20, c.besideCalls(len(chosen.models))>>20, len(chosen.models), err))
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.Memory + c.besideCalls(len(chosen.models)) - nativeBytes - int64(len(chosen.models)-1)*furtherBytes)
	}
	logger.Info("memory", "limit", limit, "for_calls", c.Memory, "models", len(chosen.models))
	return nil
}

// besideCalls is what the program takes beside the calls' budget.
func (c *Command) besideCalls(models int) int64 {
	return ownBytes + int64(models-1)*furtherBytes + int64(models)*int64(c.CacheBytes)
}

// noLimit is more than any machine has.
const noLimit = 1 << 62

// memoryOf is what calls get where there is room for this many bytes.
func memoryOf(room int64) (int64, error) {
	if room < server.MinMemoryBytes {
		return 0, fmt.Errorf("expected %d MB more, fewer models, less --cache-bytes, or --memory as you like it", (server.MinMemoryBytes-room+1<<20-1)>>20)
	}
	return min(room, server.DefaultMemoryBytes), nil
}
