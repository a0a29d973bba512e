package index

import (
	"cmp"
	"math"
	"slices"
)

// nearest gathers the hits that are nearest, at most limit. Which ones these are does not
// depend on the order in which they are offered.
type nearest struct {
	limit int
	keep  func(slot uint32) bool
	heap  []Hit // the farthest first, once there are limit
}

// compareHits orders hits, the nearest first.
func compareHits(a, b Hit) int {
	return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Slot, b.Slot))
}

// bound is the distance above which nothing is gathered any more.
func (n *nearest) bound() float32 {
	if len(n.heap) < n.limit {
		return float32(math.Inf(1))
	}
	return n.heap[0].Distance
}

// offer gathers a hit if it is near enough.
func (n *nearest) offer(slot uint32, distance float32) {
	hit := Hit{Slot: slot, Distance: max(distance, 0)} // rounding may go below
	full := len(n.heap) == n.limit
	if full && compareHits(hit, n.heap[0]) > 0 || n.keep != nil && !n.keep(slot) {
		return
	}
	if full {
		n.heap[0] = hit
		n.down(0)
		return
	}
	n.heap = append(n.heap, hit)
	if len(n.heap) == n.limit {
		for i := n.limit/2 - 1; i >= 0; i-- {
			n.down(i)
		}
	}
}

// down moves a hit of the heap down to where it belongs.
func (n *nearest) down(i int) {
	for {
		far := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(n.heap) && compareHits(n.heap[child], n.heap[far]) > 0 {
				far = child
			}
		}
		if far == i {
			return
		}
		n.heap[i], n.heap[far] = n.heap[far], n.heap[i]
		i = far
	}
}

// merge returns the nearest hits of all that were gathered, nearest first.
func merge(found []nearest) []Hit {
	var hits []Hit
	for _, n := range found {
		hits = append(hits, n.heap...)
	}
	slices.SortFunc(hits, compareHits)
	return hits[:min(len(hits), found[0].limit)]
}
