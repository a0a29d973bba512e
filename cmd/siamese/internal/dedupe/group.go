package dedupe

import (
	"cmp"
	"slices"
	"strings"

	"siamese/cmd/siamese/internal/dedupe/sidefile"
)

// role is what a file is in its group.
type role string

// Roles.
const (
	best   role = "best" // the one that is kept
	copied role = "copy" // the same bytes as a file before it in the group
	near   role = "near" // alike to the best
)

// member is a file of a group.
type member struct {
	*item
	role    role
	of      *item   // of a copy, the file that it has the bytes of
	verdict verdict // of it and the best; of the best, and copies of it, that of one picture
	done    string  // what became of it; empty: nothing was done
	failed  error   // why that could not be done
}

// group is a best file with those that are copies of it or alike to it.
type group struct{ members []*member }

// wasted is how many bytes there are beside the best.
func (g *group) wasted() (bytes int64) {
	for _, m := range g.members[1:] {
		bytes += m.size
	}
	return bytes
}

// foreign reports whether a near-double of the group, or what it is one of, is foreign to
// the model.
func (g *group) foreign() bool {
	doubles := false
	for _, m := range g.members {
		doubles = doubles || m.role == near && (m.foreign() || g.members[0].foreign())
	}
	return doubles
}

// better orders files by which is to be kept: the most pixels, then the most bytes,
// then the oldest; equal ones by the shorter path.
func better(a, b *item) int {
	return cmp.Or(
		cmp.Compare(int64(b.Width)*int64(b.Height), int64(a.Width)*int64(a.Height)),
		cmp.Compare(b.size, a.size),
		a.modified.Compare(b.modified),
		cmp.Compare(len(a.path), len(b.path)),
		strings.Compare(a.path, b.path),
	)
}

// content is a picture with the files that have it, the best first.
type content struct{ items []*item }

func (c *content) first() *item { return c.items[0] }

// contents sorts files by their bytes, the best content first. Files that could not be
// read, and empty ones, are left out.
func contents(items []*item) []*content {
	bySum := make(map[sidefile.Sum]*content)
	var all []*content
	for _, it := range items {
		if !it.read || it.size == 0 {
			continue
		}
		c := bySum[it.Sum]
		if c == nil {
			c = new(content)
			bySum[it.Sum] = c
			all = append(all, c)
		}
		c.items = append(c.items, it)
	}
	for _, c := range all {
		slices.SortFunc(c.items, better)
	}
	slices.SortFunc(all, func(a, b *content) int { return better(a.first(), b.first()) })
	return all
}

// edge is a content that is alike to another one.
type edge struct {
	to      int
	verdict verdict
}

// groups makes groups around the best contents: each of the others is in the group of
// the best one that it is alike to itself, so that none is called a double of what it
// does not look like. The groups with the most bytes to be had back come first.
func groups(all []*content, alike map[int][]edge) []*group {
	var groups []*group
	taken := make([]bool, len(all))
	for i, c := range all {
		if taken[i] {
			continue
		}
		taken[i] = true
		g := new(group)
		g.add(c, best, verdict{similarity: 1, near: true})
		slices.SortFunc(alike[i], func(a, b edge) int {
			return cmp.Or(cmp.Compare(b.verdict.match, a.verdict.match), cmp.Compare(b.verdict.similarity, a.verdict.similarity), cmp.Compare(a.to, b.to))
		})
		for _, e := range alike[i] {
			if !taken[e.to] {
				taken[e.to] = true
				g.add(all[e.to], near, e.verdict)
			}
		}
		if len(g.members) > 1 {
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.wasted(), a.wasted()), strings.Compare(a.members[0].path, b.members[0].path))
	})
	return groups
}

// add adds a content with its copies.
func (g *group) add(c *content, as role, v verdict) {
	g.members = append(g.members, &member{item: c.first(), role: as, verdict: v})
	for _, it := range c.items[1:] {
		g.members = append(g.members, &member{item: it, role: copied, of: c.first(), verdict: v})
	}
}
