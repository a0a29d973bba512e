package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

// thingName is the thing that an entry shows, as it is indexed.
const thingName = "coalesce(nullif(thing, ''), id)"

// columns are what scanEntry scans.
func columns(with gallery.Parts) string {
	sql := "id, thing, metadata, model_digest, picture_digest, familiarity, enrolled"
	for _, part := range []struct {
		name   string
		wanted bool
	}{{"embedding", with.Embedding}, {"picture", with.Picture}, {"thumbnail", with.Thumbnail}} {
		if part.wanted {
			sql += ", " + part.name
		} else {
			sql += ", NULL::bytea"
		}
	}
	return sql
}

func scanEntry(row pgx.CollectableRow) (e gallery.Entry, err error) {
	var digest, embedding []byte
	err = row.Scan(&e.ID, &e.Thing, &e.Metadata, &e.ModelDigest, &digest, &e.Familiarity, &e.Enrolled, &embedding, &e.Picture, &e.Thumbnail)
	if err != nil {
		return e, err
	}
	e.Enrolled = e.Enrolled.UTC()
	switch len(digest) {
	case 0:
	case sha256.Size:
		e.PictureDigest = [sha256.Size]byte(digest)
	default:
		return e, fmt.Errorf("%w: the entry %q has a picture's digest of %d bytes, expected %d", gallery.ErrDamaged, e.ID, len(digest), sha256.Size)
	}
	if embedding != nil {
		if e.Embedding, err = decodeEmbedding(embedding); err != nil {
			return e, fmt.Errorf("the entry %q: %w", e.ID, err)
		}
	}
	return e, nil
}

// Get returns the entries with these ids.
func (s *Store) Get(ctx context.Context, name string, ids []string, with gallery.Parts) (entries []gallery.Entry, err error) {
	err = s.read(ctx, "get entries", func() error {
		g, err := s.find(ctx, s.pool, name, "")
		if err != nil {
			return err
		}
		rows, err := s.pool.Query(ctx, "SELECT "+columns(with)+" FROM "+s.names.table("entries")+" WHERE gallery = $1 AND id = ANY($2)",
			g.number, possible(ids))
		if err != nil {
			return err
		}
		entries, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	return entries, err
}

// possible are the ids that entries can have.
func possible(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return gallery.CheckID(id) != nil })
}

// List returns a page of entries in the order of their ids, by bytes.
func (s *Store) List(ctx context.Context, name string, listing gallery.Listing) (entries []gallery.Entry, err error) {
	if listing.Limit < 1 {
		return nil, refuse("received a limit of %d entries, expected 1 or more", listing.Limit)
	}
	if listing.After != "" {
		if err := gallery.CheckID(listing.After); err != nil {
			return nil, refuse("the id after which the page begins: %v", err)
		}
	}
	err = s.read(ctx, "list entries", func() error {
		g, err := s.find(ctx, s.pool, name, "")
		if err != nil || !canSelect(listing.Filter) || gallery.CheckThing(listing.Thing) != nil {
			return err
		}
		sql := "SELECT " + columns(listing.With) + " FROM " + s.names.table("entries") + " WHERE gallery = $1 AND id > $2"
		args := []any{g.number, listing.After}
		where := func(condition string, arg any) {
			args = append(args, arg)
			sql += fmt.Sprintf(" AND "+condition, len(args))
		}
		if len(listing.Filter) > 0 {
			where("metadata @> $%d", listing.Filter)
		}
		if listing.Thing != "" {
			where(thingName+" = $%d", listing.Thing)
		}
		if listing.NotOfModel != "" {
			where("model_digest <> $%d", listing.NotOfModel)
		}
		rows, err := s.pool.Query(ctx, sql+fmt.Sprintf(" ORDER BY id LIMIT %d", listing.Limit), args...)
		if err != nil {
			return err
		}
		entries, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	return entries, err
}

// canSelect reports whether there may be entries that a filter selects.
func canSelect(filter gallery.Filter) bool { return gallery.CheckMetadata(filter) == nil }

// Remove removes the entries with these ids, and returns how many there were.
func (s *Store) Remove(ctx context.Context, name string, ids []string) (int, error) {
	return s.remove(ctx, name, "id = ANY($2)", possible(ids))
}

// RemoveThing removes all entries that show the thing, likewise.
func (s *Store) RemoveThing(ctx context.Context, name, thing string) (int, error) {
	if thing == "" || gallery.CheckThing(thing) != nil {
		thing = "" // no entry shows it
	}
	return s.remove(ctx, name, thingName+" = $2", thing)
}

// remove removes the entries of a condition on $2. They are locked in the order in
// which Put does it.
func (s *Store) remove(ctx context.Context, name, condition string, arg any) (n int, err error) {
	err = s.write(ctx, "remove entries", func(tx pgx.Tx) error {
		g, err := s.find(ctx, tx, name, forShare)
		if err != nil {
			return err
		}
		table := s.names.table("entries")
		sql := "WITH put AS (DELETE FROM " + table + " WHERE number IN (SELECT number FROM " + table + " WHERE gallery = $1 AND " + condition +
			" ORDER BY id FOR UPDATE) RETURNING number)"
		for _, index := range g.indexes {
			sql += s.names.removeNear(index.number)
		}
		return tx.QueryRow(ctx, sql+" SELECT count(*) FROM put", g.number, arg).Scan(&n)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
