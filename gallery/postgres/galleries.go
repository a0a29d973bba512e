package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

const infoColumns = "name, model, model_digest, embedding_length, keep_pictures, keep_thumbnails, created"

// fields are what infoColumns are scanned to.
func fields(info *gallery.Info) []any {
	return []any{&info.Name, &info.Model, &info.ModelDigest, &info.EmbeddingLength, &info.KeepPictures, &info.KeepThumbnails, &info.Created}
}

// Create makes an empty gallery.
func (s *Store) Create(ctx context.Context, info gallery.Info) error {
	if err := gallery.CheckName(info.Name); err != nil {
		return refuse("%v", err)
	}
	if info.EmbeddingLength < 1 {
		return refuse("received embeddings of %d numbers, expected 1 or more", info.EmbeddingLength)
	}
	return s.write(ctx, "create a gallery", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO "+s.names.table("galleries")+" ("+infoColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
			info.Name, info.Model, info.ModelDigest, info.EmbeddingLength, info.KeepPictures, info.KeepThumbnails, info.Created.Truncate(time.Millisecond))
		if code(err) == uniqueViolation {
			return gallery.ErrExists
		}
		return err
	})
}

// Galleries returns all galleries, by name.
func (s *Store) Galleries(ctx context.Context) (infos []gallery.Info, err error) {
	err = s.read(ctx, "list galleries", func() error {
		rows, err := s.pool.Query(ctx, "SELECT "+infoColumns+" FROM "+s.names.table("galleries")+" ORDER BY name")
		if err != nil {
			return err
		}
		infos, err = pgx.CollectRows(rows, scanInfo)
		return err
	})
	return infos, err
}

func scanInfo(row pgx.CollectableRow) (info gallery.Info, err error) {
	err = row.Scan(fields(&info)...)
	info.Created = info.Created.UTC()
	return info, err
}

// Gallery returns one.
func (s *Store) Gallery(ctx context.Context, name string) (info gallery.Info, err error) {
	err = s.read(ctx, "look for a gallery", func() error {
		g, err := s.find(ctx, s.pool, name, "")
		info = g.info
		return err
	})
	return info, err
}

// Update replaces what is known of a gallery but its name and when it was made.
func (s *Store) Update(ctx context.Context, info gallery.Info) error {
	if info.EmbeddingLength < 1 {
		return refuse("received embeddings of %d numbers, expected 1 or more", info.EmbeddingLength)
	}
	err := s.write(ctx, "update a gallery", func(tx pgx.Tx) error {
		g, err := s.find(ctx, tx, info.Name, forUpdate)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE "+s.names.table("galleries")+` SET model = $2, model_digest = $3, embedding_length = $4,
			keep_pictures = $5, keep_thumbnails = $6 WHERE number = $1`,
			g.number, info.Model, info.ModelDigest, info.EmbeddingLength, info.KeepPictures, info.KeepThumbnails)
		if err == nil && (info.ModelDigest != g.info.ModelDigest || info.EmbeddingLength != g.info.EmbeddingLength) {
			_, err = tx.Exec(ctx, "UPDATE "+s.names.table("indexes")+" SET gallery = NULL WHERE gallery = $1", g.number)
		}
		return err
	})
	if err == nil {
		s.inBackground(s.sweep)
	}
	return err
}

// Delete removes a gallery with all its entries, and returns how many there were.
func (s *Store) Delete(ctx context.Context, name string) (n int, err error) {
	err = s.write(ctx, "delete a gallery", func(tx pgx.Tx) error {
		g, err := s.find(ctx, tx, name, forUpdate)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM "+s.names.table("entries")+" WHERE gallery = $1", g.number)
		if err != nil {
			return err
		}
		n = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, "DELETE FROM "+s.names.table("galleries")+" WHERE number = $1", g.number)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.inBackground(s.sweep)
	return n, nil
}

// Count returns how many entries a gallery has.
func (s *Store) Count(ctx context.Context, name string) (count gallery.Count, err error) {
	err = s.read(ctx, "count entries", func() error {
		g, err := s.find(ctx, s.pool, name, "")
		if err != nil {
			return err
		}
		return s.pool.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE model_digest <> $2) FROM "+s.names.table("entries")+" WHERE gallery = $1",
			g.number, g.info.ModelDigest).Scan(&count.Entries, &count.Stale)
	})
	return count, err
}

// found is a gallery as the database has it.
type found struct {
	number  int64
	info    gallery.Info
	indexes []index
}

// How a gallery is locked until the transaction ends: those that change entries share
// it, and those that change what it is, or its indexes, have it alone.
const (
	forShare  = " FOR SHARE"
	forUpdate = " FOR UPDATE"
)

// batcher is a pool, a connection or a transaction.
type batcher interface {
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// find returns a gallery with its indexes, locked.
func (s *Store) find(ctx context.Context, from batcher, name, lock string) (g found, err error) {
	if gallery.CheckName(name) != nil {
		return g, gallery.ErrNotFound
	}
	batch := &pgx.Batch{}
	galleries := s.names.table("galleries")
	batch.Queue("SELECT number, "+infoColumns+" FROM "+galleries+" WHERE name = $1"+lock, name).QueryRow(func(row pgx.Row) error {
		err := row.Scan(append([]any{&g.number}, fields(&g.info)...)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return gallery.ErrNotFound
		}
		g.info.Created = g.info.Created.UTC()
		return err
	})
	batch.Queue("SELECT number, metric, ready FROM "+s.names.table("indexes")+" WHERE gallery = (SELECT number FROM "+galleries+" WHERE name = $1) ORDER BY number", name).
		Query(func(rows pgx.Rows) error {
			g.indexes, err = pgx.CollectRows(rows, scanIndex)
			return err
		})
	return g, from.SendBatch(ctx, batch).Close()
}
