// Package fair puts what many callers want of one thing into an order in which none
// gets more than its share while others wait.
//
// It is start-time fair queueing in two levels. Each caller has a tag, the virtual
// time up to which it was served: taking an item moves it on by the item's cost, and
// the caller with the least tag comes next. One that was away begins at the present,
// not with what it did not use. Within a caller its calls have their turns in the
// same way.
package fair

import (
	"cmp"
	"slices"
)

// Queue holds items that wait. It is not safe for concurrent use.
type Queue[T any] struct {
	quantum int64
	callers turns[*caller[T]]
	length  int
}

// New returns an empty queue. Who differ by less than quantum, in units of cost, are
// served in the order in which they came: what is small is so not split up among
// equals.
func New[T any](quantum int64) *Queue[T] {
	return &Queue[T]{quantum: max(quantum, 1), callers: newTurns[*caller[T]]()}
}

// Flow tells whose an item is.
type Flow struct {
	Caller string
	Call   any // tells the caller's calls apart; must be comparable
}

type caller[T any] struct {
	calls turns[*call[T]]
	items int
}

type call[T any] struct {
	items []item[T] // the oldest first
}

type item[T any] struct {
	value T
	cost  int64
}

func (c *caller[T]) waits() bool { return c.items > 0 }
func (c *call[T]) waits() bool   { return len(c.items) > 0 }

// Len returns how many items wait.
func (q *Queue[T]) Len() int { return q.length }

// Push adds an item behind the others of its call. Its cost is at least 1.
func (q *Queue[T]) Push(f Flow, value T, cost int64) {
	who := q.callers.enter(f.Caller, q.quantum, func() *caller[T] { return &caller[T]{calls: newTurns[*call[T]]()} })
	which := who.of.calls.enter(f.Call, q.quantum, func() *call[T] { return &call[T]{} })
	which.of.items = append(which.of.items, item[T]{value, max(cost, 1)})
	who.of.items++
	q.length++
}

// Peek returns the next item, or false where none waits.
func (q *Queue[T]) Peek() (value T, ok bool) {
	who := q.callers.first(q.quantum)
	if who == nil {
		return value, false
	}
	return who.of.calls.first(q.quantum).of.items[0].value, true
}

// Pop takes the item that Peek returns.
func (q *Queue[T]) Pop() (value T, ok bool) {
	who := q.callers.first(q.quantum)
	if who == nil {
		return value, false
	}
	return q.serve(who, who.of.calls.first(q.quantum)), true
}

// serve takes the oldest item of a call.
func (q *Queue[T]) serve(who *turn[*caller[T]], which *turn[*call[T]]) T {
	first := which.of.items[0]
	which.of.items = which.of.items[1:]
	who.of.items--
	q.length--
	who.of.calls.serve(which, first.cost)
	q.callers.serve(who, first.cost)
	return first.value
}

// PopFunc takes the first item for which take returns true, in the order in which
// calls would be served. Of a call only the oldest item is asked for.
func (q *Queue[T]) PopFunc(take func(T) bool) (value T, ok bool) {
	for _, who := range q.callers.inOrder(q.quantum) {
		for _, which := range who.of.calls.inOrder(q.quantum) {
			if take(which.of.items[0].value) {
				return q.serve(who, which), true
			}
		}
	}
	return value, false
}

// Charge charges a flow for what it has cost beyond what it was served for.
func (q *Queue[T]) Charge(f Flow, cost int64) {
	who, ok := q.callers.known[f.Caller]
	if !ok {
		return // nobody has waited since: there is nothing to be fair about
	}
	who.tag += cost
	if which, ok := who.of.calls.known[f.Call]; ok {
		which.tag += cost
	}
}

// DeleteFunc takes out all items for which remove returns true, and returns how many
// there were.
func (q *Queue[T]) DeleteFunc(remove func(T) bool) int {
	before := q.length
	for _, who := range q.callers.known {
		for _, which := range who.of.calls.known {
			n := len(which.of.items)
			which.of.items = slices.DeleteFunc(which.of.items, func(i item[T]) bool { return remove(i.value) })
			who.of.items -= n - len(which.of.items)
			q.length -= n - len(which.of.items)
		}
		who.of.calls.forget()
	}
	q.callers.forget()
	return before - q.length
}

// All calls yield with each item, in no order, until it returns false.
func (q *Queue[T]) All(yield func(T) bool) {
	for _, who := range q.callers.known {
		for _, which := range who.of.calls.known {
			for _, i := range which.of.items {
				if !yield(i.value) {
					return
				}
			}
		}
	}
}

// turns is one level: who is served, and when.
type turns[W interface{ waits() bool }] struct {
	known map[any]*turn[W] // who waits, or was served ahead of the others
	now   int64            // the tag of the one who was served last
	came  int64            // how many have come
}

type turn[W any] struct {
	of   W
	tag  int64
	came int64 // when it began to wait
}

func newTurns[W interface{ waits() bool }]() turns[W] {
	return turns[W]{known: make(map[any]*turn[W])}
}

// enter returns the one with this key, which begins to wait if it did not: with the
// quantum that is served now, so that what it brings of that size is not split up.
func (t *turns[W]) enter(key any, quantum int64, create func() W) *turn[W] {
	who, ok := t.known[key]
	if !ok {
		who = &turn[W]{of: create()}
		t.known[key] = who
	}
	if !who.of.waits() {
		t.came++
		who.tag, who.came = max(who.tag, t.now/quantum*quantum), t.came
	}
	return who
}

// inOrder returns those who wait, the next one first.
func (t *turns[W]) inOrder(quantum int64) []*turn[W] {
	waiting := make([]*turn[W], 0, len(t.known))
	for _, who := range t.known {
		if who.of.waits() {
			waiting = append(waiting, who)
		}
	}
	slices.SortFunc(waiting, func(a, b *turn[W]) int { return a.compare(b, quantum) })
	return waiting
}

// first returns the first of inOrder; nil where nobody waits.
func (t *turns[W]) first(quantum int64) (first *turn[W]) {
	for _, who := range t.known {
		if who.of.waits() && (first == nil || who.compare(first, quantum) < 0) {
			first = who
		}
	}
	return first
}

func (a *turn[W]) compare(b *turn[W], quantum int64) int {
	return cmp.Or(cmp.Compare(a.tag/quantum, b.tag/quantum), cmp.Compare(a.came, b.came))
}

// serve moves time and tag on.
func (t *turns[W]) serve(who *turn[W], cost int64) {
	t.now = max(t.now, who.tag)
	who.tag += cost
	if !who.of.waits() {
		t.forget()
	}
}

// forget drops those who neither wait nor were served ahead of the others. Where
// nobody waits that is all: there is nothing to be fair about.
func (t *turns[W]) forget() {
	waits := false
	for _, who := range t.known {
		waits = waits || who.of.waits()
	}
	for key, who := range t.known {
		if !waits || !who.of.waits() && who.tag <= t.now {
			t.now = max(t.now, who.tag)
			delete(t.known, key)
		}
	}
}
