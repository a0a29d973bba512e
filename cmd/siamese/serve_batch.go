package main

import (
	"time"

	"siamese/server"
	"siamese/tfmodel"
)

// batchFlags say how images are gathered into runs of the encoder, and what is
// kept of them.
type batchFlags struct {
	Runners    int           `help:"Runs of the encoder at a time. 0: 2 on a CPU, 1 on a GPU." default:"0"`
	BatchWait  time.Duration `help:"How long an image may be held back for others to fill its run, at most 5ms." default:"0s"`
	CacheBytes int           `help:"Bytes of embeddings to keep of each model, so that images which come again are not encoded again. 0: none." default:"67108864"`
}

// Runs at a time by device. Two side by side keep a CPU's cores busy where one
// operation of a run can't (docs/performance.md); on a GPU batches do that.
const (
	runnersCPU = 2
	runnersGPU = 1
)

// tune puts what suits the model's device into info: how many runs at a time,
// and the sizes that they keep to.
func (f batchFlags) tune(info *server.ModelInfo) {
	onCPU := info.Device == tfmodel.DeviceCPU
	info.Runners = f.Runners
	if info.Runners == 0 {
		info.Runners = runnersGPU
		if onCPU {
			info.Runners = runnersCPU
		}
	}
	info.BatchSizes = nil
	if info.MaxBatch < 1 || onCPU {
		// A CPU takes any size as it comes: warming cost 0.35 s at each start and
		// saved the first call 0.03 s.
		return
	}
	info.BatchSizes = powersOfTwo(info.MaxBatch)
}

// powersOfTwo lists 1, 2, 4 … below last, and last. A GPU's libraries tune
// themselves to each new size for seconds, so runs keep to a few.
func powersOfTwo(last int) []int {
	var sizes []int
	for size := 1; size < last; size *= 2 {
		sizes = append(sizes, size)
	}
	return append(sizes, last)
}
