package infer

import (
	"context"
	"runtime"
	"sync"
	"time"

	"siamese/imaging"
	"siamese/server/internal/fair"
	"siamese/server/internal/memory"
)

// pool bounds the preparing of all requests together: how many images at a time, and
// what they take of the budget. Images are prepared in turn of callers and of their
// calls, by the work that each is. It is safe for concurrent use.
type pool struct {
	size   int // workers: preparing is pure computing, more than cores gain little
	memory *memory.Budget

	mu      sync.Mutex
	waiting *fair.Queue[*turn]
	lanes   [lanes]int        // images at work
	holders map[string]holder // what callers have at work, by name
}

// lane is a kind of worker. An image that is at work can't be put aside, and may
// take seconds. So that what is small never waits for it, and what another caller
// brings neither, there are workers for them alone, which share the cores with the
// others while they are at work.
type lane int

const (
	anyLane   lane = iota // as many as the pool's size
	lightLane             // one, for lightWork
	tinyLane              // one, for tinyWork
	otherLane             // one, for callers that have nothing at work
	lanes
)

// A photograph of 12 megapixels is light; a picture of the size that networks take is
// tiny.
const (
	lightWork = 250 * time.Millisecond
	tinyWork  = 15 * time.Millisecond
)

// turnWork is the work that a call has in turn: what is smaller is not split up.
const turnWork = 10 * time.Millisecond

// aside is the part of the budget below which images go past one that waits for more
// memory than is free.
const aside = 16

// holder is what a caller has at work.
type holder struct {
	images int
	bytes  int64
}

// turn is an image that waits to be prepared or is.
type turn struct {
	flow  fair.Flow
	cost  imaging.Cost
	lane  lane
	begun chan struct{} // closed when its turn has come
}

func newPool(budget *memory.Budget) *pool {
	p := &pool{
		size:    runtime.GOMAXPROCS(0),
		memory:  budget,
		waiting: fair.New[*turn](int64(turnWork)),
		holders: make(map[string]holder),
	}
	budget.OnFreed(p.begin)
	return p
}

// do waits for the flow's turn and does work, with what it costs taken from the
// budget. An error is ctx's, and work was not done.
func (p *pool) do(ctx context.Context, flow fair.Flow, cost imaging.Cost, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cost.Bytes = min(cost.Bytes, p.memory.Most()) // what is above was refused
	t := &turn{flow: flow, cost: cost, begun: make(chan struct{})}
	p.mu.Lock()
	p.waiting.Push(flow, t, int64(cost.Work))
	p.mu.Unlock()
	p.begin()
	select {
	case <-t.begun:
	case <-ctx.Done():
		p.mu.Lock()
		left := p.waiting.DeleteFunc(func(other *turn) bool { return other == t })
		p.mu.Unlock()
		if left == 0 {
			p.end(t, 0)
		}
		return ctx.Err()
	}
	started := time.Now()
	defer func() { p.end(t, time.Since(started)) }()
	work()
	return nil
}

// begin lets those begin whose turn has come, as many as find worker and memory.
func (p *pool) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	largest := p.memory.Size()
	fits := func(t *turn) bool {
		free, ok := p.laneLocked(t)
		if !ok || t.cost.Bytes > largest {
			return false
		}
		held := p.holders[t.flow.Caller]
		if held.bytes > 0 && held.bytes+t.cost.Bytes > p.memory.Most() {
			return false // the rest is for other callers
		}
		if !p.memory.Take(t.cost.Bytes) {
			largest = p.memory.Size() / aside // or it would wait for ever
			return false
		}
		t.lane = free
		return true
	}
	for p.waiting.Len() > 0 {
		t, ok := p.waiting.PopFunc(fits)
		if !ok {
			return
		}
		p.lanes[t.lane]++
		held := p.holders[t.flow.Caller]
		p.holders[t.flow.Caller] = holder{held.images + 1, held.bytes + t.cost.Bytes}
		close(t.begun)
	}
}

// laneLocked finds a worker that is free and takes such an image.
func (p *pool) laneLocked(t *turn) (lane, bool) {
	switch {
	case p.lanes[anyLane] < p.size:
		return anyLane, true
	case p.lanes[lightLane] == 0 && t.cost.Work <= lightWork:
		return lightLane, true
	case p.lanes[tinyLane] == 0 && t.cost.Work <= tinyWork:
		return tinyLane, true
	case p.lanes[otherLane] == 0 && p.holders[t.flow.Caller].images == 0:
		return otherLane, true
	}
	return 0, false
}

// end gives back what an image had. What it took beyond its estimate is charged too.
func (p *pool) end(t *turn, took time.Duration) {
	p.mu.Lock()
	p.lanes[t.lane]--
	held := p.holders[t.flow.Caller]
	held = holder{held.images - 1, held.bytes - t.cost.Bytes}
	p.holders[t.flow.Caller] = held
	if held.images == 0 {
		delete(p.holders, t.flow.Caller)
	}
	if more := took - t.cost.Work; more > 0 {
		p.waiting.Charge(t.flow, int64(more))
	}
	p.mu.Unlock()
	p.memory.Release(t.cost.Bytes) // others begin
}

// preparer brings images to the network's input, in the pool.
type preparer struct {
	pool   *pool
	images *imaging.Preparer
}

// fill fills in the view's picture or its fault, from what came. An error is none of
// the image's: ctx is done.
func (p *preparer) fill(ctx context.Context, flow fair.Flow, source Source, v *View, keep ImagesConfig) error {
	cost, err := p.cost(source, keep.ThumbnailSide)
	if err != nil {
		return v.fail(err)
	}
	cost = withViews(cost, v)
	var failed error
	err = p.pool.do(ctx, flow, cost, func() {
		started := time.Now()
		picture, thumbnail, err := p.picture(ctx, source, keep.ThumbnailSide)
		v.decode = time.Since(started)
		if err == nil {
			err = v.accept(picture, thumbnail, keep.KeepPrepared)
		}
		failed = err
	})
	if err != nil {
		return err
	}
	return v.fail(failed)
}

// cost returns what preparing the image takes, with a thumbnail where side is not 0. It
// reads the header alone and refuses what is over a limit, so that nothing too large
// waits.
func (p *preparer) cost(source Source, side int) (imaging.Cost, error) {
	if raw, ok := source.(Raw); ok {
		cost, err := p.images.InspectRaw(imaging.Raw(raw))
		return withThumbnail(cost, raw.Width, raw.Height, side), err
	}
	encoded, _ := source.(Encoded) // nothing else is prepared
	header, err := p.images.Inspect(encoded)
	return withThumbnail(header.Cost, header.Width, header.Height, side), err
}

// viewWork is what making a further view takes for a pixel.
const viewWork = 30 * time.Nanosecond

// withViews adds what making the image's further views takes.
func withViews(cost imaging.Cost, v *View) imaging.Cost {
	n := v.unknownMoved()
	if n == 0 {
		return cost
	}
	pixels := int64(n) * int64(v.engine.info.Width) * int64(v.engine.info.Height)
	return imaging.Cost{Bytes: cost.Bytes + 3*pixels, Work: cost.Work + time.Duration(pixels)*viewWork}
}

func withThumbnail(cost imaging.Cost, width, height, side int) imaging.Cost {
	if side == 0 {
		return cost
	}
	more := imaging.ThumbnailCost(width, height, side)
	return imaging.Cost{Bytes: cost.Bytes + more.Bytes, Work: cost.Work + more.Work}
}

// picture prepares the image; it ends soon after ctx is done. The thumbnail is nil where
// side is 0.
func (p *preparer) picture(ctx context.Context, source Source, side int) (picture, thumbnail *imaging.Picture, err error) {
	raw, isRaw := source.(Raw)
	encoded, _ := source.(Encoded)
	switch {
	case isRaw && side > 0:
		return p.images.PrepareRawWithThumbnail(imaging.Raw(raw), side)
	case isRaw:
		picture, err = p.images.PrepareRaw(imaging.Raw(raw))
	case side > 0:
		return p.images.PrepareWithThumbnail(encoded, side, ctx.Err)
	default:
		picture, err = p.images.PrepareWhile(encoded, ctx.Err)
	}
	return picture, nil, err
}
