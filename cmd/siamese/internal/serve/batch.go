package serve

import (
	"time"

	"siamese/server"
	"siamese/tfmodel"
)

// batchFlags say how images are gathered into runs of the encoder, and what is
// kept of them.
type batchFlags struct {
	Runners    int           `help:"Runs of the encoder at a time." default:"1"`
	BatchWait  time.Duration `help:"How long an image may be held back for others to fill its run, at most 5ms." default:"0s"`
	CacheBytes int           `help:"Bytes of embeddings to keep of each model, so that images which come again are not encoded again. 0: none." default:"67108864"`
}

// tune puts what suits the model's device into info. On a CPU a run takes about
// as long as its images one by one, so runs are short: at half load 99 of 100 calls
// took 4.6 times a lone one's time in place of 6.5, at the same throughput; two
// runs side by side had gained 2 % of throughput (docs/performance.md). It takes
// any size as it comes, too: warming cost 0.35 s at each start and saved the first
// call 0.03 s.
func (f batchFlags) tune(info *server.ModelInfo) {
	info.Runners = f.Runners
	info.ShortRuns, info.BatchSizes = info.Device == tfmodel.DeviceCPU, nil
	if info.MaxBatch > 0 && !info.ShortRuns {
		info.BatchSizes = powersOfTwo(info.MaxBatch)
	}
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
