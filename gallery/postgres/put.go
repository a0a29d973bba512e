package postgres

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

// Put keeps entries, all of them or none, in one transaction.
func (s *Store) Put(ctx context.Context, name string, entries []gallery.Entry) (outcomes []gallery.Outcome, err error) {
	order, err := lockOrder(entries)
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, "put entries", func(tx pgx.Tx) error {
		outcomes = make([]gallery.Outcome, len(entries))
		g, err := s.find(ctx, tx, name, forShare)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(order, maxStatements) {
			if err := s.putSome(ctx, tx, &g, entries, some, outcomes); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// lockOrder checks entries, and returns the order in which all lock their rows, so that
// none waits for another that waits for it.
func lockOrder(entries []gallery.Entry) ([]int, error) {
	order := make([]int, len(entries))
	for i := range entries {
		if err := check(&entries[i]); err != nil {
			return nil, refuse("entry %d: %v", i, err)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(entries[a].ID, entries[b].ID) })
	return order, nil
}

// maxStatements are sent at once: a batch is held in memory until it is sent, and an
// entry may have a picture.
const maxStatements = 64

// check returns what is wrong with an entry, by itself.
func check(e *gallery.Entry) error {
	if err := gallery.CheckID(e.ID); err != nil {
		return err
	}
	if err := gallery.CheckThing(e.Thing); err != nil {
		return err
	}
	if err := gallery.CheckMetadata(e.Metadata); err != nil {
		return err
	}
	if e.Embedding.Length() > maxEmbeddingLength {
		return fmt.Errorf("received an embedding of %d numbers, expected at most %d", e.Embedding.Length(), maxEmbeddingLength)
	}
	for i, value := range e.Embedding.All() {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("received an embedding whose number %d is %v, expected a finite one", i, value)
		}
	}
	return nil
}

// putSome puts the entries with these indexes, and sets their outcomes.
func (s *Store) putSome(ctx context.Context, tx pgx.Tx, g *found, entries []gallery.Entry, some []int, outcomes []gallery.Outcome) error {
	batch := &pgx.Batch{}
	for _, i := range some {
		e := &entries[i]
		current := e.ModelDigest == g.info.ModelDigest
		if current && e.Embedding.Length() != g.info.EmbeddingLength {
			return refuse("entry %d: received an embedding of %d numbers, expected %d", i, e.Embedding.Length(), g.info.EmbeddingLength)
		}
		sql, args := s.names.putEntry(g.number, e)
		if current {
			var err error
			if sql, args, err = s.putNears(ctx, tx, g, e.Embedding, sql, args); err != nil {
				return err
			}
		} else {
			for _, index := range g.indexes {
				sql += s.names.removeNear(index.number)
			}
		}
		batch.Queue(sql+" SELECT added FROM put", args...).Query(func(rows pgx.Rows) (err error) {
			outcomes[i], err = outcome(rows)
			return err
		})
	}
	return tx.SendBatch(ctx, batch).Close()
}

// putNears appends to a statement the parts that have an entry of the gallery's model
// found by its indexes.
func (s *Store) putNears(ctx context.Context, tx pgx.Tx, g *found, v gallery.Vector, sql string, args []any) (string, []any, error) {
	for _, index := range g.indexes {
		m, err := s.metrics.of(ctx, tx, s.names, index.metric)
		if err != nil {
			return "", nil, err
		}
		n := near(v, m)
		sql += s.names.putNear(index.number, typeOf(g.info.EmbeddingLength), len(args))
		args = append(args, n.data, n.wide)
	}
	return sql, args, nil
}

// outcome reads whether an entry was added; no row: it was there.
func outcome(rows pgx.Rows) (gallery.Outcome, error) {
	added, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	switch {
	case err != nil:
		return 0, err
	case len(added) == 0:
		return gallery.Unchanged, nil
	case added[0]:
		return gallery.Added, nil
	}
	return gallery.Replaced, nil
}

// putEntry is the beginning of a statement that puts an entry, where there is none that
// is the Same, and whose part "put" then has its number and whether it was added.
func (n names) putEntry(number int64, e *gallery.Entry) (sql string, args []any) {
	sql = "WITH put AS (INSERT INTO " + n.table("entries") + ` AS e
		(gallery, id, thing, metadata, embedding, model_digest, picture_digest, familiarity, picture, thumbnail, enrolled)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (gallery, id) DO UPDATE SET (thing, metadata, embedding, model_digest, picture_digest, familiarity, picture, thumbnail, enrolled, changes) =
			(excluded.thing, excluded.metadata, excluded.embedding, excluded.model_digest, excluded.picture_digest, excluded.familiarity, excluded.picture, excluded.thumbnail, excluded.enrolled, e.changes + 1)
		WHERE (e.thing, e.metadata, e.embedding, e.model_digest, e.picture_digest) <>
			(excluded.thing, excluded.metadata, excluded.embedding, excluded.model_digest, excluded.picture_digest)
		RETURNING number, changes = 0 AS added)`
	metadata := e.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return sql, []any{
		number, e.ID, e.Thing, metadata, encodeEmbedding(e.Embedding), e.ModelDigest, pictureDigest(e.PictureDigest),
		e.Familiarity, e.Picture, e.Thumbnail, e.Enrolled.Truncate(time.Millisecond),
	}
}

// putNear is the part of a statement that has an entry found by an index, with its
// vector, and whether it is wide, as the arguments that follow the first args.
func (n names) putNear(index int64, vector string, args int) string {
	table := n.near(index)
	return fmt.Sprintf(`, near_%d AS (INSERT INTO %s AS n (entry, near, wide) SELECT number, $%d::%s, $%d FROM put
		ON CONFLICT (entry) DO UPDATE SET near = excluded.near, wide = excluded.wide WHERE n.near OPERATOR(%s.<>) excluded.near)`,
		index, table, args+1, n.vector(vector), args+2, pgx.Identifier{n.extension}.Sanitize())
}

// removeNear is the part of a statement that has an entry found by an index no more.
func (n names) removeNear(index int64) string {
	return fmt.Sprintf(", near_%d AS (DELETE FROM %s WHERE entry IN (SELECT number FROM put))", index, n.near(index))
}

// pictureDigest is none where it is zero.
func pictureDigest(digest [sha256.Size]byte) []byte {
	if digest == ([sha256.Size]byte{}) {
		return []byte{}
	}
	return bytes.Clone(digest[:])
}
