package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"siamese/client"
)

// step is a step of a case of galleries.
type step struct {
	Do            string
	Gallery       *string // nil: the case's
	Model         string
	KeepPictures  bool `json:"keep_pictures"`
	KeepThumbs    bool `json:"keep_thumbnails"`
	Entries       []newEntry
	IDs           []string
	Things        []string
	ID            string
	Picture       bool `json:"include_picture"`
	Thumbnail     bool `json:"include_thumbnail"`
	Embedding     bool `json:"include_embedding"`
	PageSize      int  `json:"page_size"`
	Filter        map[string]string
	Thing         string
	StaleOnly     bool `json:"stale_only"`
	Image         picture
	TopK          int     `json:"top_k"`
	MinSimilarity float32 `json:"min_similarity"`
	Threshold     *float32
	AcrossThings  bool `json:"across_things"`
}

// newEntry is an entry that a step enrolls.
type newEntry struct {
	ID, Thing string
	Metadata  map[string]string
	Image     picture
}

// gallery runs a case of galleries, step by step; a step that fails does not end it.
func (r *runner) gallery(ctx context.Context, c testCase) ([]string, error) {
	results := []string{}
	for _, each := range c.Steps {
		name := c.Gallery
		if each.Gallery != nil {
			name = *each.Gallery
		}
		told, err := r.step(ctx, name, each)
		if refused, ok := errors.AsType[*client.Error](err); ok {
			told, err = []string{"error " + errorText(refused)}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", each.Do, err)
		}
		results = append(results, told...)
	}
	return results, nil
}

func (r *runner) step(ctx context.Context, name string, s step) ([]string, error) {
	steps := map[string]func(context.Context, string, step) ([]string, error){
		"create": r.create, "get": r.get, "list": r.list, "delete": r.delete, "enroll": r.enroll, "enroll_batch": r.enrollBatch,
		"remove": r.remove, "entry": r.entry, "entries": r.entries, "identify": r.identify, "duplicates": r.duplicates, "reindex": r.reindex,
	}
	run := steps[s.Do]
	if run == nil {
		return nil, errors.New("received an unknown step, expected one of the README")
	}
	return run(ctx, name, s)
}

func (r *runner) create(ctx context.Context, name string, s step) ([]string, error) {
	gallery, err := r.client.CreateGallery(ctx, name, client.GalleryOptions{Model: s.Model, KeepPictures: s.KeepPictures, KeepThumbnails: s.KeepThumbs})
	return []string{galleryText(gallery)}, err
}

func (r *runner) get(ctx context.Context, name string, _ step) ([]string, error) {
	gallery, err := r.client.Gallery(ctx, name)
	return []string{galleryText(gallery)}, err
}

func (r *runner) list(ctx context.Context, _ string, _ step) ([]string, error) {
	galleries, err := r.client.Galleries(ctx)
	names := make([]string, len(galleries))
	for i, gallery := range galleries {
		names[i] = gallery.Name
	}
	return []string{"galleries " + strings.Join(names, ",")}, err
}

func (r *runner) delete(ctx context.Context, name string, _ step) ([]string, error) {
	entries, err := r.client.DeleteGallery(ctx, name)
	return []string{fmt.Sprintf("deleted %d", entries)}, err
}

// newEntries are the entries of a step as the client takes them.
func (r *runner) newEntries(ctx context.Context, s step) ([]client.NewEntry, error) {
	entries := make([]client.NewEntry, len(s.Entries))
	for i, entry := range s.Entries {
		image, err := r.image(ctx, entry.Image)
		if err != nil {
			return nil, err
		}
		entries[i] = client.NewEntry{ID: entry.ID, Thing: entry.Thing, Metadata: entry.Metadata, Image: image}
	}
	return entries, nil
}

func (r *runner) enroll(ctx context.Context, name string, s step) ([]string, error) {
	entries, err := r.newEntries(ctx, s)
	if err != nil {
		return nil, err
	}
	kept, err := r.client.Enroll(ctx, name, withoutErrors(entries))
	results := []string{fmt.Sprintf("added %d replaced %d unchanged %d failed %d", kept.Added, kept.Replaced, kept.Unchanged, kept.Failed)}
	for _, failed := range kept.Failures {
		results = append(results, indexed(failed.Index, failed.ID+" "+errorText(failed.Err)))
	}
	return results, err
}

func withoutErrors(entries []client.NewEntry) iter.Seq2[client.NewEntry, error] {
	return func(yield func(client.NewEntry, error) bool) {
		for _, entry := range entries {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func (r *runner) enrollBatch(ctx context.Context, name string, s step) ([]string, error) {
	entries, err := r.newEntries(ctx, s)
	if err != nil {
		return nil, err
	}
	results, err := r.client.BatchEnroll(ctx, name, entries)
	statuses := map[client.EnrollStatus]string{client.Added: "added", client.Replaced: "replaced", client.Unchanged: "unchanged"}
	told := make([]string, len(results))
	for i, result := range results {
		if told[i] = statuses[result.Status]; result.Err != nil {
			told[i] = errorText(result.Err)
		}
	}
	return told, err
}

func (r *runner) remove(ctx context.Context, name string, s step) ([]string, error) {
	removed, err := r.client.RemoveEntries(ctx, name, s.IDs, s.Things)
	return []string{fmt.Sprintf("removed %d", removed)}, err
}

func (r *runner) entry(ctx context.Context, name string, s step) ([]string, error) {
	entry, err := r.client.Entry(ctx, name, s.ID, client.EntryParts{Thumbnail: s.Thumbnail, Picture: s.Picture, Embedding: s.Embedding})
	metadata := make([]string, 0, len(entry.Metadata))
	for _, key := range slices.Sorted(maps.Keys(entry.Metadata)) {
		metadata = append(metadata, key+"="+entry.Metadata[key])
	}
	results := []string{
		strings.Join([]string{entry.ID, entry.Thing, strings.Join(metadata, ","), entry.PictureSHA256, entry.ModelDigest}, " "),
		fmt.Sprintf("picture %d thumbnail %d", len(entry.Picture), len(entry.Thumbnail)),
	}
	if entry.Embedding != nil {
		results = append(results, embeddingText(entry.Embedding.Values))
	}
	return results, err
}

func (r *runner) entries(ctx context.Context, name string, s step) ([]string, error) {
	var ids []string
	for entry, err := range r.client.Entries(ctx, name, client.EntryList{PageSize: s.PageSize, Filter: s.Filter, Thing: s.Thing, StaleOnly: s.StaleOnly}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, entry.ID)
	}
	return []string{"entries " + strings.Join(ids, ",")}, nil
}

func (r *runner) identify(ctx context.Context, name string, s step) ([]string, error) {
	image, err := r.image(ctx, s.Image)
	if err != nil {
		return nil, err
	}
	found, err := r.client.Identify(ctx, name, image, client.IdentifyOptions{
		TopK: s.TopK, MinSimilarity: s.MinSimilarity, Filter: s.Filter, Threshold: s.Threshold,
	})
	var results []string
	for _, match := range found.Matches {
		results = append(results, strings.Join([]string{match.Thing, match.Entry.ID, number(match.Similarity), verdict(match.Same)}, " "))
	}
	return append(results, fmt.Sprintf("searched %d", found.SearchedEntries)), err
}

func (r *runner) duplicates(ctx context.Context, name string, s step) ([]string, error) {
	var results []string
	options := client.DuplicateOptions{Threshold: s.Threshold, Filter: s.Filter, AcrossThings: s.AcrossThings}
	entries, err := r.client.FindDuplicates(ctx, name, options, func(group client.DuplicateGroup) error {
		alike := make([]string, len(group.Entries))
		for i, one := range group.Entries {
			alike[i] = one.Entry.ID + "=" + number(one.Similarity)
		}
		results = append(results, strings.Join(alike, ","))
		return nil
	})
	return append(results, fmt.Sprintf("looked at %d", entries)), err
}

func (r *runner) reindex(ctx context.Context, name string, s step) ([]string, error) {
	last, err := r.client.Reindex(ctx, name, s.Model, nil)
	return []string{fmt.Sprintf("encoded %d missing %d of %d", last.Encoded, last.Missing, last.Entries)}, err
}

// galleryText is a gallery without what differs from run to run.
func galleryText(g client.Gallery) string {
	return fmt.Sprintf("%s %s %d %d pictures=%t thumbnails=%t", g.Name, g.Model, g.Entries, g.StaleEntries, g.KeepPictures, g.KeepThumbnails)
}
