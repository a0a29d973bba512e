package gallery

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// DuplicateSearch says what Searcher.Duplicates looks for.
type DuplicateSearch struct {
	// Threshold is the similarity, 0..1, from which two entries are alike.
	Threshold float32
	// Filter leaves out entries that it does not select.
	Filter Filter
	// AcrossThings looks at no pairs of entries of one thing, which are meant to be alike.
	AcrossThings bool
	// Progress is told after every few hundred entries how many have been looked at. It
	// may be nil.
	Progress func(entries int)
}

// DuplicateGroup is entries of which each is alike to at least one other.
type DuplicateGroup struct {
	// Entries are at least two, without embeddings: first the one that is alike to the
	// most others, then by id. Each one's Similarity is its largest to another entry of
	// the group.
	Entries []Match
}

// What is looked at of an entry, and at once.
const (
	fewNeighbours  = 16
	mostNeighbours = 128
	// mostOtherThings is mostNeighbours where those of the same thing come in between.
	mostOtherThings = 1024
	duplicatesPage  = 256
)

// Duplicates finds the groups of entries that are alike, yields them, the largest
// similarity first, and returns how many entries it looked at. Two entries are alike
// where the head says so, or where they have the same PictureDigest.
//
// Entries are in one group where a chain of entries leads from one to the other of which
// each is alike to the next. So the ends of a group may be unlike, the more so the lower
// the threshold is: a film whose pictures follow each other is one group. Of each entry
// the 128 nearest are looked at (1024 across things), which leaves out none but where
// more than these are alike to it.
//
// What is looked for is kept as some hundred bytes an entry. Duplicates takes about as
// long as a search for each entry, on all cores, and ends early when ctx is done or yield
// returns an error. It yields nothing before it has looked at all entries.
func (s *Searcher) Duplicates(ctx context.Context, gallery string, search DuplicateSearch, yield func(DuplicateGroup) error) (entries int, err error) {
	if !(search.Threshold >= 0 && search.Threshold <= 1) {
		return 0, fmt.Errorf("gallery: received %v as a threshold, expected 0 to 1", search.Threshold)
	}
	d := &duplicates{Searcher: s, gallery: gallery, search: search, found: newComponents()}
	d.scorers.New = func() any { return &scorer{head: s.Head} }
	last := ""
	for {
		page, err := s.Store.List(ctx, gallery, Listing{
			After: last, Limit: duplicatesPage, Filter: search.Filter, With: Parts{Embedding: true},
		})
		if err != nil {
			return entries, err
		}
		looked, err := d.look(ctx, page)
		if err != nil {
			return entries, err
		}
		entries += looked
		if search.Progress != nil {
			search.Progress(entries)
		}
		if len(page) < duplicatesPage {
			break
		}
		last = page[len(page)-1].ID
	}
	for _, group := range d.found.groups() {
		if err := d.yield(ctx, group, yield); err != nil {
			return entries, err
		}
	}
	return entries, nil
}

// duplicates is a search for them.
type duplicates struct {
	*Searcher
	gallery string
	search  DuplicateSearch
	found   *components
	// reach is the distance beyond which none are alike, as told by the first page of
	// entries, so that what is found does not depend on which of them comes first.
	reach   *float32
	scorers sync.Pool
}

// score has the head say how alike candidates are to an entry.
func (d *duplicates) score(ctx context.Context, e *Entry, candidates []Candidate) ([]float32, error) {
	s := d.scorers.Get().(*scorer)
	defer d.scorers.Put(s)
	s.ask(e.Embedding)
	return s.score(ctx, candidates)
}

// look looks for what the entries of a page are alike to, and returns how many of them
// are of the gallery's model.
func (d *duplicates) look(ctx context.Context, page []Entry) (int, error) {
	var alone []*Entry // those that no other has the picture of
	looked := 0
	for i := range page {
		e := &page[i]
		if e.ModelDigest != d.Metric.ModelDigest() {
			continue
		}
		looked++
		copied, err := d.joinCopies(ctx, e)
		if err != nil {
			return 0, err
		}
		if !copied {
			alone = append(alone, e)
		}
	}
	if d.reach == nil && len(alone) > 0 {
		if err := d.measureReach(ctx, alone); err != nil {
			return 0, err
		}
	}
	return looked, d.searchEach(ctx, alone)
}

// searchEach searches for what is alike to each of the entries, several at a time.
func (d *duplicates) searchEach(ctx context.Context, entries []*Entry) error {
	alike := make([][]Match, len(entries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		group.Go(func() (err error) {
			alike[i], err = d.alike(ctx, e)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, e := range entries {
		for _, match := range alike[i] {
			d.found.join(e.ID, match.ID, match.Similarity)
		}
		d.found.count(e.ID, len(alike[i]))
	}
	return nil
}

// alike returns the entries that are alike to e, their embeddings left out.
func (d *duplicates) alike(ctx context.Context, e *Entry) ([]Match, error) {
	most := mostNeighbours
	if d.search.AcrossThings {
		most = mostOtherThings
	}
	seen := map[string]bool{e.ID: true}
	var found []Match
	for limit := fewNeighbours; ; limit *= moreCandidates {
		near, whole, err := d.near(ctx, e, limit)
		if err != nil {
			return nil, err
		}
		var next []Candidate
		for _, c := range near {
			if meant := d.search.AcrossThings && c.Name() == e.Name(); !seen[c.ID] && !meant {
				seen[c.ID] = true
				next = append(next, c)
			}
		}
		similarities, err := d.score(ctx, e, next)
		if err != nil {
			return nil, err
		}
		for i, similarity := range similarities {
			if similarity >= d.search.Threshold || e.hasPictureOf(&next[i].Entry) {
				found = append(found, Match{Entry: Entry{ID: next[i].ID}, Similarity: similarity})
			}
		}
		if whole || limit*moreCandidates > most {
			return found, nil
		}
	}
}

// near returns the nearest entries within reach. whole reports whether these are all.
func (d *duplicates) near(ctx context.Context, e *Entry, limit int) (near []Candidate, whole bool, err error) {
	near, err = d.Store.Nearest(ctx, d.gallery, Query{
		Embedding: e.Embedding, Metric: d.Metric, Limit: limit, Filter: d.search.Filter,
	})
	if err != nil {
		return nil, false, err
	}
	whole = len(near) < limit
	for i, c := range near {
		if d.reach != nil && c.Distance > *d.reach && !e.hasPictureOf(&c.Entry) {
			return near[:i], true, nil
		}
	}
	return near, whole, nil
}

// measureReach finds out how far apart entries may be that are alike, by how alike these
// are to those that are nearest to them.
func (d *duplicates) measureReach(ctx context.Context, entries []*Entry) error {
	var known slack
	for _, e := range entries[:min(len(entries), duplicatesPage/4)] {
		near, _, err := d.near(ctx, e, fewNeighbours)
		if err != nil {
			return err
		}
		similarities, err := d.score(ctx, e, near)
		if err != nil {
			return err
		}
		for i, similarity := range similarities {
			known.add(similarity, near[i].Distance)
		}
	}
	if most := known.most(0); !math.IsInf(most, 0) {
		d.reach = new(float32(most - logit(min(d.search.Threshold, saturated))))
	}
	return nil
}

// joinCopies joins an entry to the first one that has the same picture. It reports
// whether there was one, so that what that is alike to need not be looked for again.
func (d *duplicates) joinCopies(ctx context.Context, e *Entry) (bool, error) {
	if d.search.AcrossThings || !e.hasPictureOf(e) { // copies are found by searching
		return false, nil
	}
	first := d.found.firstCopy(e)
	if first == "" {
		return false, nil
	}
	similarities, err := d.score(ctx, e, []Candidate{{Entry: *e}}) // the same embedding
	if err != nil {
		return false, err
	}
	d.found.join(e.ID, first, similarities[0])
	d.found.copyOf(e.ID, first)
	return true, nil
}

// hasPictureOf reports whether both are known to be of the same picture.
func (e *Entry) hasPictureOf(other *Entry) bool {
	return e.PictureDigest == other.PictureDigest && e.PictureDigest != [sha256.Size]byte{}
}

// yield brings the entries of a group and yields it, unless fewer than two are there
// still.
func (d *duplicates) yield(ctx context.Context, members []member, yield func(DuplicateGroup) error) error {
	entries := make(map[string]Entry, len(members))
	for page := range slices.Chunk(members, duplicatesPage) {
		var ids []string
		for _, m := range page {
			ids = append(ids, m.id)
		}
		found, err := d.Store.Get(ctx, d.gallery, ids, Parts{})
		if err != nil {
			return err
		}
		for _, e := range found {
			entries[e.ID] = e
		}
	}
	var group DuplicateGroup
	for _, m := range members {
		if e, ok := entries[m.id]; ok {
			group.Entries = append(group.Entries, Match{Entry: e, Similarity: m.similarity})
		}
	}
	if len(group.Entries) < 2 {
		return nil
	}
	return yield(group)
}
