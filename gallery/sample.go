package gallery

import (
	"cmp"
	"context"
	"slices"
)

// What a sample is taken from. Entries that follow each other by their ids often show the
// same thing: a metric is about those that are near to each other, so that some are taken
// together.
const (
	sampledFrom  = 16 << 10 // the first entries
	sampledPage  = 1 << 10
	sampledAlong = 4 // that follow each other
)

// Sample returns embeddings of a gallery's model with this digest for [LearnMetric], as
// many as it looks at and no more, from all over the first 16,384 entries by id. The same
// entries give the same sample.
func Sample(ctx context.Context, store Store, gallery, modelDigest string) ([]Vector, error) {
	var ids []string
	listing := Listing{Limit: sampledPage}
	for seen := 0; seen < sampledFrom; {
		page, err := store.List(ctx, gallery, listing)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if page[i].ModelDigest == modelDigest {
				ids = append(ids, page[i].ID)
			}
		}
		if len(page) < sampledPage {
			break
		}
		seen += len(page)
		listing.After = page[len(page)-1].ID
	}
	entries, err := store.Get(ctx, gallery, spread(ids), Parts{Embedding: true})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	var sample []Vector
	for i := range entries {
		if entries[i].ModelDigest == modelDigest { // else it has changed meanwhile
			sample = append(sample, entries[i].Embedding)
		}
	}
	return sample, nil
}

// spread returns as many of the ids as a sample has at most, groups of some that follow
// each other, from all over the list.
func spread(ids []string) []string {
	if len(ids) <= maxSample {
		return ids
	}
	const groups = maxSample / sampledAlong
	chosen := make([]string, 0, maxSample)
	for i := range groups {
		first := i * (len(ids) - sampledAlong) / (groups - 1)
		chosen = append(chosen, ids[first:first+sampledAlong]...)
	}
	return chosen
}
