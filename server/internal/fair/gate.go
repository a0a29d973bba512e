package fair

import (
	"context"
	"sync"
)

// Gate lets a number of those who want the same thing go on at a time: the others wait,
// in turn of callers and of their calls. It is safe for concurrent use.
type Gate struct {
	mu      sync.Mutex
	free    int
	waiting *Queue[*pass]
}

// pass is one who waits.
type pass struct{ begun chan struct{} } // closed when its turn has come

// NewGate returns a gate that places go through at a time.
func NewGate(places int) *Gate {
	return &Gate{free: places, waiting: New[*pass](1)}
}

// Enter waits for the flow's turn. Who came in must leave, once. The error is ctx's.
func (g *Gate) Enter(ctx context.Context, flow Flow) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &pass{begun: make(chan struct{})}
	g.mu.Lock()
	g.waiting.Push(flow, p, 1)
	g.beginLocked()
	g.mu.Unlock()
	select {
	case <-p.begun:
		return g.leave, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	left := g.waiting.DeleteFunc(func(other *pass) bool { return other == p })
	g.mu.Unlock()
	if left == 0 { // its turn had come
		g.leave()
	}
	return nil, ctx.Err()
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free++
	g.beginLocked()
}

func (g *Gate) beginLocked() {
	for g.free > 0 && g.waiting.Len() > 0 {
		p, _ := g.waiting.Pop()
		g.free--
		close(p.begun)
	}
}
