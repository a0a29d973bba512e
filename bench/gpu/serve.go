package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"siamese/bench"
	"siamese/bench/load"
)

// memoryShare is the share of the GPU's memory that a model is given.
const memoryShare = 0.25

// contextBytes is what a process takes of a GPU beside the memory that TensorFlow
// hands out: CUDA's context, kernels, cuDNN and cuBLAS. Seen: 0.6 to 1.5 GB.
const contextBytes = 2e9

// memory tells what a model takes that may have a share of the memory only.
func (b *Bench) memory(ctx context.Context) (err error) {
	before := b.Card()
	if before.TotalBytes == 0 {
		b.tellText("left out", "the driver tells of no memory")
		return nil
	}
	const batch = 32
	pixels, err := b.drawings(batch)
	if err != nil {
		return err
	}
	model, err := b.OpenModel(ctx, ModelOptions{Device: b.Device, Precision: "float32", Batch: batch, MemoryFraction: memoryShare})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	opened := b.Card()
	if _, err := model.Encode(ctx, pixels); err != nil {
		return err
	}
	after := b.Card()
	b.tell("before", megabytes(before.UsedBytes), "MB")
	b.tell("taken once the model is open", megabytes(opened.UsedBytes-before.UsedBytes), "MB")
	b.tellAtMost(fmt.Sprintf("taken after a batch of %d, with --gpu-memory-fraction %g", batch, memoryShare),
		megabytes(after.UsedBytes-before.UsedBytes), "MB", (memoryShare*float64(after.TotalBytes)+contextBytes)/1e6)
	return nil
}

// How many callers a server is measured with.
var clientCounts = []int{1, 16, 64}

// server measures a server process with some callers.
func (b *Bench) server(ctx context.Context) error {
	options := ModelOptions{Device: b.Device, Precision: cmp.Or(b.Best.Precision, "float32"), Batch: b.Best.Batch}
	command, err := b.Server(options)
	if err != nil {
		return err
	}
	var paces []load.Config
	for _, clients := range clientCounts {
		paces = append(paces, load.Config{Clients: clients, WarmUp: b.MinTime, Duration: max(4*b.MinTime, time.Second)})
	}
	files, err := bench.Drawings(4 * clientCounts[len(clientCounts)-1])
	if err != nil {
		return err
	}
	traffic := bench.Traffic{Kind: bench.CompareTraffic, Files: files}
	start, outcomes, err := traffic.RunOwnPaces(ctx, command, paces)
	if err != nil {
		return err
	}
	b.tellText("flags", fmt.Sprintf("--precision=%s --max-batch=%d", options.Precision, options.Batch))
	b.tell("start to SERVING", start, "s")
	for i, outcome := range outcomes {
		name := fmt.Sprintf("%d clients", clientCounts[i])
		b.tell(name, outcome.Throughput(), "pairs/s")
		b.tell(name+", p50", outcome.Percentile(50).Seconds()*1e3, "ms")
		b.tell(name+", p99", outcome.Percentile(99).Seconds()*1e3, "ms")
		b.tellAtMost(name+", failed", float64(outcome.Sent-outcome.Answered), "calls", 0)
		if outcome.Runs != nil {
			b.tellText(name+", images a run", outcome.Runs.String())
		}
	}
	return nil
}
