package postgres

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

// Renew puts what the gallery's model has made of pictures in the place of what another
// model had, in one transaction.
func (s *Store) Renew(ctx context.Context, name string, entries []gallery.Entry) (n int, err error) {
	order, err := lockOrder(entries)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, "renew entries", func(tx pgx.Tx) error {
		n = 0
		g, err := s.find(ctx, tx, name, forShare)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(order, maxStatements) {
			renewed, err := s.renewSome(ctx, tx, &g, entries, some)
			if err != nil {
				return err
			}
			n += renewed
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// renewSome renews the entries with these indexes that are of the gallery's model, and
// returns how many were.
func (s *Store) renewSome(ctx context.Context, tx pgx.Tx, g *found, entries []gallery.Entry, some []int) (n int, err error) {
	batch := &pgx.Batch{}
	for _, i := range some {
		e := &entries[i]
		if e.ModelDigest != g.info.ModelDigest || e.PictureDigest == ([sha256.Size]byte{}) {
			continue
		}
		if e.Embedding.Length() != g.info.EmbeddingLength {
			return 0, refuse("entry %d: received an embedding of %d numbers, expected %d", i, e.Embedding.Length(), g.info.EmbeddingLength)
		}
		sql, args := s.names.renewEntry(g.number, e)
		if sql, args, err = s.putNears(ctx, tx, g, e.Embedding, sql, args); err != nil {
			return 0, err
		}
		batch.Queue(sql+" SELECT count(*) FROM put", args...).QueryRow(func(row pgx.Row) error {
			var renewed int
			err := row.Scan(&renewed)
			n += renewed
			return err
		})
	}
	err = tx.SendBatch(ctx, batch).Close()
	return n, err
}

// renewEntry is as putEntry. Where another transaction is changing the entry, PostgreSQL
// waits for it and asks the condition of what it has made of it.
func (n names) renewEntry(number int64, e *gallery.Entry) (sql string, args []any) {
	sql = "WITH put AS (UPDATE " + n.table("entries") + ` SET embedding = $4, model_digest = $5, familiarity = $6,
			thumbnail = coalesce($7, thumbnail), changes = changes + 1
		WHERE gallery = $1 AND id = $2 AND picture_digest = $3 AND model_digest <> $5 RETURNING number)`
	thumbnail := e.Thumbnail
	if len(thumbnail) == 0 {
		thumbnail = nil // SQL's null
	}
	return sql, []any{number, e.ID, pictureDigest(e.PictureDigest), encodeEmbedding(e.Embedding), e.ModelDigest, e.Familiarity, thumbnail}
}
