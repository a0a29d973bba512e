package galleries

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
)

// remote asks a server for its galleries.
type remote struct {
	sender *scorer.Sender
	model  string
	views  uint32 // of a picture to identify
	named  string // the model of the gallery, by which calls ask for it; empty: not asked
}

func openRemote(f Flags, notes io.Writer, score scorer.ScoreFlags) (Keeper, error) {
	if f.Galleries != "" && f.Galleries != "off" {
		// Set for a server on this machine as well, it is not meant for another one.
		fmt.Fprintf(notes, "note: --galleries is not looked at, since --server is asked\n")
	}
	sender, err := f.OpenSender(notes, score)
	if err != nil {
		return nil, err
	}
	return &remote{sender: sender, model: f.Model, views: uint32(score.TestTime)}, nil
}

// Rest implements Keeper.
func (r *remote) Rest(context.Context) error { return nil }

// Close implements Keeper.
func (r *remote) Close() error { return r.sender.Close() }

func about(g client.Gallery) About {
	return About{
		gallery.Info{Name: g.Name, Model: g.Model, ModelDigest: g.ModelDigest, KeepPictures: g.KeepPictures, KeepThumbnails: g.KeepThumbnails, Created: g.Created},
		gallery.Count{Entries: g.Entries, Stale: g.StaleEntries},
	}
}

// Create implements Keeper.
func (r *remote) Create(ctx context.Context, name string, choices Choices) (a About, err error) {
	err = r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
		g, err := c.CreateGallery(ctx, name, client.GalleryOptions{Model: r.model, KeepPictures: choices.KeepPictures, KeepThumbnails: choices.KeepThumbnails})
		a = about(g)
		return err
	})
	return a, err
}

// About implements Keeper.
func (r *remote) About(ctx context.Context, name string) (a About, err error) {
	err = r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
		g, err := c.Gallery(ctx, name)
		a = about(g)
		return err
	})
	return a, err
}

// All implements Keeper.
func (r *remote) All(ctx context.Context) (all []About, err error) {
	err = r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
		galleries, err := c.Galleries(ctx)
		all = nil
		for _, g := range galleries {
			all = append(all, about(g))
		}
		return err
	})
	return all, err
}

// Delete implements Keeper.
func (r *remote) Delete(ctx context.Context, name string) (entries int, err error) {
	err = r.sender.Call(ctx, func(ctx context.Context, c *client.Client) (err error) {
		entries, err = c.DeleteGallery(ctx, name)
		return err
	})
	return entries, err
}

// ask asks the server about the gallery's model, once, so that pictures are fitted to it.
func (r *remote) ask(ctx context.Context, name string) error {
	if r.named != "" {
		return nil
	}
	a, err := r.About(ctx, name)
	if err != nil {
		return err
	}
	r.named = a.Model
	return r.sender.Ask(ctx, a.Model)
}

// Enroll implements Keeper.
func (r *remote) Enroll(ctx context.Context, name string, entries []Entry) ([]Outcome, error) {
	if err := r.ask(ctx, name); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(entries))
	var pictures []scorer.Picture
	for _, entry := range entries {
		pictures = append(pictures, entry.Picture)
	}
	fail := func(i int, err error) { outcomes[i].Err = err }
	return outcomes, r.sender.Send(ctx, pictures, fail, func(indices []int, images [][]byte) error {
		some := make([]client.NewEntry, len(indices))
		for i, index := range indices {
			own := entries[index]
			some[i] = client.NewEntry{ID: own.ID, Thing: own.Thing, Metadata: own.Metadata, Image: client.Image{Encoded: images[i]}}
		}
		return r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
			results, err := c.BatchEnroll(ctx, name, some)
			if err != nil {
				return err
			}
			for i, result := range results {
				outcomes[indices[i]] = outcome(result)
			}
			return nil
		})
	})
}

func outcome(result client.EnrollResult) Outcome {
	own := Outcome{Foreign: result.Familiarity != nil && result.Familiarity.Foreign}
	if result.Err != nil {
		own.Err = result.Err
		return own
	}
	own.Outcome = map[client.EnrollStatus]gallery.Outcome{client.Added: gallery.Added, client.Replaced: gallery.Replaced}[result.Status]
	if own.Outcome == 0 {
		own.Outcome = gallery.Unchanged
	}
	return own
}

// removeAtOnce is how many ids and things a call takes.
const removeAtOnce = 1000

// Remove implements Keeper.
func (r *remote) Remove(ctx context.Context, name string, ids, things []string) (removed int, err error) {
	for len(ids)+len(things) > 0 {
		someIDs := ids[:min(removeAtOnce, len(ids))]
		someThings := things[:min(removeAtOnce-len(someIDs), len(things))]
		ids, things = ids[len(someIDs):], things[len(someThings):]
		err := r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
			n, err := c.RemoveEntries(ctx, name, someIDs, someThings)
			removed += n
			return err
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// List implements Keeper. It is no single call: the timeout is that of nothing.
func (r *remote) List(ctx context.Context, name string, listing Listing, yield func(Listed) error) error {
	a, err := r.About(ctx, name)
	if err != nil {
		return err
	}
	list := client.EntryList{PageSize: removeAtOnce, Filter: listing.Filter, Thing: listing.Thing, StaleOnly: listing.Stale}
	for entry, err := range r.sender.Client().Entries(ctx, name, list) {
		if err != nil {
			return r.sender.Locate(err)
		}
		if err := yield(Listed{entryOf(entry), entry.ModelDigest != a.ModelDigest}); err != nil {
			return err
		}
	}
	return nil
}

func entryOf(e client.Entry) gallery.Entry {
	own := gallery.Entry{ID: e.ID, Thing: e.Thing, Metadata: e.Metadata, ModelDigest: e.ModelDigest, Familiarity: -1, Enrolled: e.Enrolled}
	if sum, err := hex.DecodeString(e.PictureSHA256); err == nil {
		copy(own.PictureDigest[:], sum)
	}
	if e.Familiarity != nil {
		own.Familiarity = e.Familiarity.Value
	}
	return own
}

// Identify implements Keeper.
func (r *remote) Identify(ctx context.Context, name string, picture scorer.Picture, search Search) (identified Identified, err error) {
	if err := r.ask(ctx, name); err != nil {
		return Identified{}, err
	}
	var failed error
	fail := func(_ int, err error) { failed = &scorer.PictureError{Name: picture.Name, Err: err} }
	err = r.sender.Send(ctx, []scorer.Picture{picture}, fail, func(_ []int, images [][]byte) error {
		return r.sender.Call(ctx, func(ctx context.Context, c *client.Client) error {
			reply, err := c.Identify(ctx, name, client.Image{Encoded: images[0]}, client.IdentifyOptions{
				TopK: search.Top, MinSimilarity: search.MinSimilarity, Filter: search.Filter, Threshold: search.Threshold, TestTimeViews: r.views,
			})
			identified = identifiedOf(reply)
			identified.Model = r.named
			return err
		})
	})
	if failure, ok := errors.AsType[*client.Error](err); ok && failure.Field != "" && isOfImage(failure.Field) {
		failed, err = &scorer.PictureError{Name: picture.Name, Err: failure}, nil
	}
	return identified, errors.Join(err, failed)
}

// isOfImage reports whether a field of a request is the picture.
func isOfImage(field string) bool { return len(field) >= 5 && field[:5] == "image" }

func identifiedOf(reply client.Identification) Identified {
	identified := Identified{Threshold: reply.Threshold, Familiarity: reply.Familiarity, Warning: reply.Warning}
	for _, match := range reply.Matches {
		entry := entryOf(match.Entry)
		entry.Thing = match.Thing
		identified.Matches = append(identified.Matches, Match{entry, match.Similarity, match.Same})
	}
	return identified
}

// Reindex implements Keeper.
func (r *remote) Reindex(ctx context.Context, name string, tell func(Moved)) (Moved, error) {
	last, err := r.sender.Client().Reindex(ctx, name, r.model, func(p client.ReindexProgress) {
		tell(Moved{Encoded: p.Encoded, Missing: p.Missing, Entries: p.Entries})
	})
	return Moved{Encoded: last.Encoded, Missing: last.Missing, Entries: last.Entries, MissingIDs: last.MissingIDs}, r.sender.Locate(err)
}

// errNoBackup says where backups are made.
var errNoBackup = cli.Usage(errors.New("backups are written and read beside the store, expected --galleries on the server's machine and no --server"))

// Backup implements Keeper: there is no call for it.
func (r *remote) Backup(context.Context, string, io.Writer) error { return errNoBackup }

// Restore implements Keeper likewise.
func (r *remote) Restore(context.Context, string, io.Reader) error { return errNoBackup }
