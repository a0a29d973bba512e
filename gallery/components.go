package gallery

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// components are the connected components of entries, told apart by their ids.
type components struct {
	numbers map[string]int32
	members []member
	first   map[[sha256.Size]byte]int32 // of the entries with a picture
}

type member struct {
	id         string
	joined     bool    // to another one
	parent     int32   // towards the component's root, which is its own
	copyOf     int32   // the first entry with the same picture, else itself
	alike      int32   // how many others are alike to it
	similarity float32 // the largest to another one; 0 where there is none
}

func newComponents() *components {
	return &components{numbers: make(map[string]int32), first: make(map[[sha256.Size]byte]int32)}
}

// number is an entry's place among the members.
func (c *components) number(id string) int32 {
	n, ok := c.numbers[id]
	if !ok {
		n = int32(len(c.members))
		c.numbers[id] = n
		c.members = append(c.members, member{id: id, parent: n, copyOf: n})
	}
	return n
}

// root is the member that stands for the component.
func (c *components) root(n int32) int32 {
	for c.members[n].parent != n {
		above := c.members[n].parent
		c.members[n].parent = c.members[above].parent
		n = above
	}
	return n
}

// join makes the components of two entries that are this similar one.
func (c *components) join(a, b string, similarity float32) {
	one, other := c.number(a), c.number(b)
	for _, n := range []int32{one, other} {
		c.members[n].joined = true
		c.members[n].similarity = max(c.members[n].similarity, similarity)
	}
	one, other = c.root(one), c.root(other)
	c.members[max(one, other)].parent = min(one, other)
}

// firstCopy returns the id of the first entry that was asked for with the same picture;
// empty: it is this one.
func (c *components) firstCopy(e *Entry) string {
	n, ok := c.first[e.PictureDigest]
	if !ok {
		c.first[e.PictureDigest] = c.number(e.ID)
		return ""
	}
	return c.members[n].id
}

// copyOf says that an entry is alike to the same others as the first one.
func (c *components) copyOf(id, first string) { c.members[c.number(id)].copyOf = c.number(first) }

// count says how many others are alike to an entry.
func (c *components) count(id string, alike int) { c.members[c.number(id)].alike = int32(alike) }

// groups returns the members of each component with more than one, the ones alike to most
// others first, then by id. The components come by their largest similarity.
func (c *components) groups() [][]member {
	for i, m := range c.members {
		c.members[i].alike = c.members[m.copyOf].alike
	}
	byRoot := make(map[int32][]member)
	for n, m := range c.members {
		if m.joined {
			root := c.root(int32(n))
			byRoot[root] = append(byRoot[root], m)
		}
	}
	var groups [][]member
	for _, group := range byRoot {
		slices.SortFunc(group, func(a, b member) int {
			return cmp.Or(cmp.Compare(b.alike, a.alike), cmp.Compare(a.id, b.id))
		})
		groups = append(groups, group)
	}
	slices.SortFunc(groups, func(a, b []member) int {
		return cmp.Or(cmp.Compare(largest(b), largest(a)), cmp.Compare(a[0].id, b[0].id))
	})
	return groups
}

// largest is the largest similarity within a group.
func largest(group []member) float32 {
	var most float32
	for _, m := range group {
		most = max(most, m.similarity)
	}
	return most
}
