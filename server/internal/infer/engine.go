package infer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"siamese/imaging"
	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/internal/fault"
)

// engine is a model with all that serves it. It is safe for concurrent use.
type engine struct {
	model     Model
	info      ModelInfo
	preparer  *preparer
	queue     *batch.Queue
	maxQueued int // images of one call that may wait in it
	cache     *cache.Cache
	heads     *semaphore.Weighted // runs of the head under way: each holds a thread

	lastSuccess atomic.Int64 // when the encoder last returned what it should, nanoseconds since 1970
}

// newEngine returns an engine that is warm. Its queue has to be closed.
func newEngine(cfg Config, p *pool, model Model, info ModelInfo) (*engine, error) {
	cfg.Limits.MaxDecodeBytes = cfg.Memory.Most()
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
	e := &engine{
		model:     model,
		info:      info,
		preparer:  &preparer{pool: p, images: images},
		cache:     embeddings,
		maxQueued: cfg.MaxQueuedImages,
		heads:     semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
	}
	e.markHealthy() // its owner has tried it
	e.queue, err = batch.New(batchConfig(cfg, info), e.encode)
	return e, err
}

func batchConfig(cfg Config, info ModelInfo) batch.Config {
	return batch.Config{
		MaxQueued:       cfg.MaxQueuedImages,
		MaxBatch:        cmp.Or(info.MaxBatch, DefaultMaxBatch),
		Sizes:           info.BatchSizes,
		Runners:         cmp.Or(info.Runners, DefaultRunners),
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

// encode is one run of the encoder. Each that returns what it should shows that the
// encoder is well, however long the call waits that it was for.
func (e *engine) encode(ctx context.Context, pixels []byte) ([]float32, error) {
	output, err := e.model.Encode(ctx, pixels)
	expected := len(pixels) / (e.info.Height * e.info.Width * 3) * e.info.EmbeddingLength
	if err == nil && len(output) == expected && !slices.ContainsFunc(output, func(v float32) bool { return !isFinite(v) }) {
		e.markHealthy()
	}
	return output, err
}

// markHealthy notes that the encoder has just returned what it should.
func (e *engine) markHealthy() { e.lastSuccess.Store(time.Now().UnixNano()) }

// sinceSuccess is the time since then.
func (e *engine) sinceSuccess() time.Duration {
	return time.Since(time.Unix(0, e.lastSuccess.Load()))
}

// compare gives scores of this model their similarities, by one run of the head for as
// many pairs as a run takes; between runs others have their turn. ctx is checked before a
// run and not during.
func (e *engine) compare(ctx context.Context, scores []*Score) error {
	var pairs []headPair
	for _, score := range scores {
		pairs = append(pairs, score.pairs()...)
	}
	similarities := make([]float32, 0, len(pairs))
	for some := range slices.Chunk(pairs, headPairs) {
		made, err := e.scorePairs(ctx, some)
		if err != nil {
			return err
		}
		similarities = append(similarities, made...)
	}
	for _, score := range scores {
		similarities = similarities[score.take(similarities):]
	}
	return nil
}

// headPairs is how many pairs the head scores in a run: many enough for a run to be
// worth it, few enough that their embeddings, 18 KB each of the built-in models, stay
// small beside the pictures'.
const headPairs = 512

// scorePairs is one run of the head, when a thread is free for it.
func (e *engine) scorePairs(ctx context.Context, pairs []headPair) ([]float32, error) {
	if err := e.heads.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer e.heads.Release(1)
	a := make([]float32, 0, len(pairs)*e.info.EmbeddingLength)
	b := make([]float32, 0, len(pairs)*e.info.EmbeddingLength)
	for _, pair := range pairs {
		a, b = append(a, pair.a...), append(b, pair.b...)
	}
	return e.score(ctx, a, b)
}

// score is one run of the head on pairs of embeddings, float32 [n,E].
func (e *engine) score(ctx context.Context, a, b []float32) (similarities []float32, err error) {
	err = fault.Guard(func() (err error) {
		similarities, err = e.model.Compare(ctx, a, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return similarities, checkSimilarities(similarities, len(a)/e.info.EmbeddingLength)
}

// checkEmbeddings refuses what the encoder can't have meant.
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

// checkSimilarities refuses what the head can't have meant.
func checkSimilarities(similarities []float32, expected int) error {
	if len(similarities) != expected {
		return fmt.Errorf("head returned %d similarities, expected %d", len(similarities), expected)
	}
	for i, v := range similarities {
		if !isFraction(v) {
			return fmt.Errorf("head returned %v as similarity %d, expected 0 to 1", v, i)
		}
	}
	return nil
}

// isFinite reports whether v is neither NaN nor an infinity.
func isFinite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}
