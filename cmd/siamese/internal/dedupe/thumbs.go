package dedupe

import (
	"context"

	"golang.org/x/sync/semaphore"

	"siamese/cmd/siamese/internal/progress"
	"siamese/internal/regular"
)

// Thumbnails of a page.
const (
	thumbnailSide    = 320 // pixels, twice what the page shows, for sharp screens
	thumbnailQuality = 80
	// mostThumbnails bounds a page to some 30 MB: groups after that have none.
	mostThumbnails = 1500
	// mostDecoded bounds the memory of the pictures that are decoded side by side.
	mostDecoded = 1 << 30
)

// thumbnails makes those of the first groups; one for files of the same content. A
// picture without one is no error: that it can't be decoded is told elsewhere.
func (r *run) thumbnails(ctx context.Context, groups []*group) (map[*item][]byte, error) {
	var shown []*item
	for _, g := range groups {
		if len(shown)+len(g.members) > mostThumbnails {
			break
		}
		for _, m := range g.members {
			if m.role != copied { // it looks as the one before
				shown = append(shown, m.item)
			}
		}
	}
	screen := progress.New(r.notes, "thumbnails")
	defer screen.Close()
	budget := semaphore.NewWeighted(mostDecoded)
	made := make([][]byte, len(shown))
	for from := 0; from < len(shown); from += atOnce {
		some := shown[from:min(from+atOnce, len(shown))]
		err := each(ctx, len(some), func(i int) { made[from+i] = r.reader.thumbnail(ctx, budget, some[i]) })
		if err != nil {
			return nil, err
		}
		screen.Done(from+len(some), len(shown))
	}
	thumbnails := make(map[*item][]byte, len(shown))
	for i, it := range shown {
		thumbnails[it] = made[i]
	}
	return thumbnails, nil
}

// thumbnail is a small JPEG of a picture; nil where it can't be made.
func (r *reader) thumbnail(ctx context.Context, budget *semaphore.Weighted, it *item) []byte {
	data, err := regular.Read(it.path, r.maxBytes)
	if err != nil {
		return nil
	}
	header, err := r.inspector.Inspect(data)
	if err != nil {
		return nil
	}
	cost := min(header.Cost.Bytes, mostDecoded)
	if budget.Acquire(ctx, cost) != nil {
		return nil
	}
	defer budget.Release(cost)
	_, small, err := r.inspector.PrepareWithThumbnail(data, thumbnailSide, ctx.Err)
	if err != nil {
		return nil
	}
	encoded, err := small.JPEG(thumbnailQuality)
	if err != nil {
		return nil
	}
	return encoded
}
