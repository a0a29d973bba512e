package fair_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/server/internal/fair"
)

func popAll(q *fair.Queue[string]) (order []string) {
	for {
		s, ok := q.Pop()
		if !ok {
			return order
		}
		order = append(order, s)
	}
}

func push(q *fair.Queue[string], caller string, call any, cost int64, items ...string) {
	for _, item := range items {
		q.Push(fair.Flow{Caller: caller, Call: call}, item, cost)
	}
}

func TestOrder(t *testing.T) {
	tests := []struct {
		name    string
		quantum int64
		give    func(*fair.Queue[string])
		want    []string
	}{
		{"a call by itself in its order", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "1", "2", "3")
		}, []string{"1", "2", "3"}},
		{"callers in turn", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "a1", "a2", "a3")
			push(q, "b", 1, 1, "b1", "b2")
		}, []string{"a1", "b1", "a2", "b2", "a3"}},
		{"calls of a caller in turn", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "1.1", "1.2", "1.3")
			push(q, "a", 2, 1, "2.1", "2.2")
		}, []string{"1.1", "2.1", "1.2", "2.2", "1.3"}},
		{"many calls are one caller", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "a1")
			push(q, "a", 2, 1, "a2")
			push(q, "a", 3, 1, "a3")
			push(q, "b", 1, 1, "b1", "b2")
		}, []string{"a1", "b1", "a2", "b2", "a3"}},
		{"by cost", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 10, "a1", "a2")
			push(q, "b", 1, 4, "b1", "b2", "b3", "b4")
		}, []string{"a1", "b1", "b2", "b3", "a2", "b4"}},
		{"what is below the quantum is not split", 2, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "1.1", "1.2", "1.3", "1.4")
			push(q, "a", 2, 1, "2.1", "2.2")
		}, []string{"1.1", "1.2", "2.1", "2.2", "1.3", "1.4"}},
		{"one who comes later begins at the present", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "a1", "a2", "a3", "a4", "a5", "a6")
			for range 3 {
				q.Pop()
			}
			push(q, "b", 1, 1, "b1", "b2", "b3")
		}, []string{"b1", "a4", "b2", "a5", "b3", "a6"}},
		{"one who was served does not come back as a stranger", 1, func(q *fair.Queue[string]) {
			push(q, "b", 1, 1, "b1", "b2", "b3")
			push(q, "a", 1, 10, "a1")
			q.Pop()
			q.Pop()
			push(q, "a", 1, 10, "a2")
		}, []string{"b2", "b3", "a2"}},
		{"what was taken out", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "a1", "a2")
			push(q, "b", 1, 1, "b1")
			if n := q.DeleteFunc(func(s string) bool { return s[1] == '1' }); n != 2 {
				panic(n)
			}
		}, []string{"a2"}},
		{"what cost more than was said", 1, func(q *fair.Queue[string]) {
			push(q, "a", 1, 1, "a1", "a2", "a3")
			push(q, "b", 1, 1, "b1", "b2", "b3")
			q.Pop()
			q.Charge(fair.Flow{Caller: "a", Call: 1}, 2)
			q.Charge(fair.Flow{Caller: "stranger", Call: 1}, 2)
		}, []string{"b1", "b2", "b3", "a2", "a3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := fair.New[string](tt.quantum)
			tt.give(q)
			if diff := cmp.Diff(tt.want, popAll(q)); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
			if q.Len() != 0 {
				t.Errorf("Len() of an empty queue = %d", q.Len())
			}
		})
	}
}

func TestPopFuncPassesOverWhatDoesNotFit(t *testing.T) {
	q := fair.New[string](1)
	push(q, "a", 1, 1, "large", "behind it")
	push(q, "a", 2, 1, "small")
	push(q, "b", 1, 1, "other")
	var asked []string
	got, ok := q.PopFunc(func(s string) bool {
		asked = append(asked, s)
		return s == "other"
	})
	if !ok || got != "other" {
		t.Errorf("PopFunc = %q, %v, want what fits", got, ok)
	}
	if diff := cmp.Diff([]string{"large", "small", "other"}, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if _, ok := q.PopFunc(func(string) bool { return false }); ok || q.Len() != 3 {
		t.Errorf("PopFunc where nothing fits = %v with %d left, want false and 3", ok, q.Len())
	}
	left := slices.Sorted(q.All)
	if diff := cmp.Diff([]string{"behind it", "large", "small"}, left); diff != "" {
		t.Errorf("All() (-want +got):\n%s", diff)
	}
}

// Whatever callers bring and when, over a while in which both always wait none gets
// more than the other but for one item.
func TestShares(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	q := fair.New[int64](1)
	const most, least = 50, 20 // of an item; items of a caller that wait
	waiting, served := [2]int{}, [2]int64{}
	names := []string{"a", "b"}
	costs := func(i int) int64 { return 1 + random.Int64N([]int64{most, most / 5}[i]) }
	for range 10_000 {
		for i := range names {
			for waiting[i] < least {
				cost := costs(i)
				q.Push(fair.Flow{Caller: names[i], Call: random.IntN(5)}, cost<<1|int64(i), cost)
				waiting[i]++
			}
		}
		v, _ := q.Pop()
		waiting[v&1]--
		served[v&1] += v >> 1
		if difference := served[0] - served[1]; difference > most || difference < -most {
			t.Fatalf("served %v, want at most %d apart", served, most)
		}
	}
}
