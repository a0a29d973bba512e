package server

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// engine is a model with all that serves it. It is safe for concurrent use.
type engine struct {
	model    Model
	info     ModelInfo
	preparer *preparer
	queue    *batch.Queue
	cache    *cache.Cache
	heads    *semaphore.Weighted // runs of the head under way: each holds a thread
	proven   atomic.Int64        // when the encoder last did what it should, nanoseconds since 1970
}

// newEngine returns an engine that is warm. Its queue has to be closed.
func newEngine(cfg Config, p *pool, model Model, info ModelInfo) (*engine, error) {
	images, err := imaging.New(imaging.Config{
		Width: info.Width, Height: info.Height,
		Rule: cfg.Rule, Alpha: cfg.Alpha, Limits: cfg.Limits,
	})
	if err != nil {
		return nil, err
	}
	embeddings, err := cache.New(cache.Config{MaxBytes: cfg.CacheBytes})
	if err != nil {
		return nil, err
	}
	if err := warm(model, info); err != nil {
		return nil, err
	}
	queue, err := batch.New(batchConfig(cfg, info), model.Encode)
	if err != nil {
		return nil, err
	}
	e := &engine{
		model:    model,
		info:     info,
		preparer: &preparer{pool: p, images: images},
		queue:    queue,
		cache:    embeddings,
		heads:    semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
	}
	e.prove() // whoever hands a model over has tried it
	return e, nil
}

func batchConfig(cfg Config, info ModelInfo) batch.Config {
	return batch.Config{
		MaxQueued:       cfg.MaxQueuedImages,
		MaxBatch:        cmp.Or(info.MaxBatch, cfg.MaxBatch),
		Sizes:           info.BatchSizes,
		Runners:         cmp.Or(info.Runners, cfg.Runners),
		ShortRuns:       info.ShortRuns,
		Wait:            cfg.BatchWait,
		ImageBytes:      info.Height * info.Width * 3,
		EmbeddingLength: info.EmbeddingLength,
	}
}

// warm runs the encoder once with each of the sizes that its runs keep to: a
// device that wants that takes many times as long for the first run of a size.
func warm(model Model, info ModelInfo) error {
	for _, size := range info.BatchSizes {
		pixels := make([]byte, size*info.Height*info.Width*3)
		err := fault.Guard(func() error {
			_, err := model.Encode(context.Background(), pixels)
			return err
		})
		if err != nil {
			return fmt.Errorf("warm a run of %d images: %w", size, err)
		}
	}
	return nil
}

// reference is the engine's model as replies name it.
func (e *engine) reference() *pb.ModelReference {
	return &pb.ModelReference{Name: e.info.Name, Version: e.info.Version, Digest: e.info.Digest}
}

// member makes a member of an embedding that the caller brought, once it is
// shown to be one of this model's.
func (e *engine) member(given *pb.Embedding) *member {
	values := given.GetValues()
	if given.GetModelDigest() != e.info.Digest {
		return &member{fault: fault.ModelMismatch(given.GetModelDigest(), e.info.Digest)}
	}
	if len(values) != e.info.EmbeddingLength {
		return &member{fault: fault.EmbeddingLength(len(values), e.info.EmbeddingLength)}
	}
	for i, v := range values {
		if !isFinite(v) {
			return &member{fault: fault.EmbeddingValue(i, v)}
		}
	}
	return &member{embedding: values}
}

// couple is two members to be scored against each other.
type couple struct{ a, b *member }

// compare scores every couple by one run of the head and returns one
// similarity each. ctx is checked before the run and not during.
func (e *engine) compare(ctx context.Context, couples []couple) ([]float32, error) {
	if len(couples) == 0 {
		return nil, nil
	}
	defer telemetry.Stage(ctx, metrics.Compare, time.Now())
	if err := e.heads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer e.heads.Release(1)
	a := make([]float32, 0, len(couples)*e.info.EmbeddingLength)
	b := make([]float32, 0, len(couples)*e.info.EmbeddingLength)
	for _, c := range couples {
		a = append(a, c.a.embedding...)
		b = append(b, c.b.embedding...)
	}
	var similarities []float32
	err := fault.Guard(func() (err error) {
		similarities, err = e.model.Compare(ctx, a, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return similarities, checkSimilarities(similarities, len(couples))
}

// checkEmbeddings refuses to go on with what the encoder can't have meant.
func checkEmbeddings(embeddings [][]float32) error {
	for i, embedding := range embeddings {
		for j, v := range embedding {
			if !isFinite(v) {
				return fmt.Errorf("encoder returned %v as number %d of embedding %d, expected a finite number", v, j, i)
			}
		}
	}
	return nil
}

// checkSimilarities does so for the head.
func checkSimilarities(similarities []float32, want int) error {
	if len(similarities) != want {
		return fmt.Errorf("head returned %d similarities, expected %d", len(similarities), want)
	}
	for i, v := range similarities {
		if !isFraction(v) {
			return fmt.Errorf("head returned %v as similarity %d, expected 0 to 1", v, i)
		}
	}
	return nil
}
