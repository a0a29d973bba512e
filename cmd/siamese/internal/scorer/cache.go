package scorer

import "container/list"

// cache keeps the values that were used last, at most a number of them. It is not safe
// for concurrent use.
type cache[K comparable, V any] struct {
	most  int
	order *list.List // of entry, last used first
	byKey map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, order: list.New(), byKey: make(map[K]*list.Element)}
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	element, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(element)
	kept, _ := element.Value.(entry[K, V])
	return kept.value, true
}

// peek is get that changes nothing: several goroutines may call it at a time.
func (c *cache[K, V]) peek(key K) (value V, ok bool) {
	element, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	kept, _ := element.Value.(entry[K, V])
	return kept.value, true
}

func (c *cache[K, V]) put(key K, value V) {
	if element, ok := c.byKey[key]; ok {
		element.Value = entry[K, V]{key, value}
		c.order.MoveToFront(element)
		return
	}
	c.byKey[key] = c.order.PushFront(entry[K, V]{key, value})
	if c.order.Len() > c.most {
		oldest, _ := c.order.Remove(c.order.Back()).(entry[K, V])
		delete(c.byKey, oldest.key)
	}
}
