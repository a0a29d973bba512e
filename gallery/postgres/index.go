package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

const (
	// fillAtOnce are read and written in a transaction, which locks them.
	fillAtOnce = 1000
	// maxIndexes of a gallery: while servers of two releases, whose metrics differ,
	// run beside each other, each has its own.
	maxIndexes = 2
)

// index is one of a gallery.
type index struct {
	number int64
	metric metricDigest
	ready  bool
}

func scanIndex(row pgx.CollectableRow) (i index, err error) {
	var metric []byte
	if err = row.Scan(&i.number, &metric, &i.ready); err == nil && len(metric) != len(i.metric) {
		err = fmt.Errorf("%w: the index %d has a metric's digest of %d bytes", gallery.ErrDamaged, i.number, len(metric))
	}
	copy(i.metric[:], metric)
	return i, err
}

// lockAgain is how long one who wants an index waits before asking whether another has
// made it.
const lockAgain = 50 * time.Millisecond

// errIndexGone says that an index was dropped between two statements.
var errIndexGone = errors.New("the gallery's index has just been replaced")

// BuildIndex makes the index that Nearest uses for a metric, where there is none yet,
// and returns when it is there; calls beside it are served. Nearest has it made by
// itself where a gallery is large enough. The metric must be of the gallery's model.
func (s *Store) BuildIndex(ctx context.Context, name string, metric *gallery.Metric) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.explain(ctx, "build an index", s.retry(ctx, func() error { return s.build(ctx, name, metric) }))
}

// buildInBackground calls build, unless this store does already.
func (s *Store) buildInBackground(name string, metric *gallery.Metric, digest metricDigest) {
	key := name + "\n" + string(digest[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.building[key] || s.closed {
		return
	}
	s.building[key] = true
	s.running.Go(func() {
		s.config.Log.Info("a gallery gets an index, until which each query looks at all its entries", "gallery", name)
		began := time.Now()
		err := s.retry(s.background, func() error { return s.build(s.background, name, metric) })
		switch {
		case err == nil:
			s.config.Log.Info("the gallery has its index", "gallery", name, "seconds", time.Since(began).Seconds())
		case s.background.Err() == nil:
			s.config.Log.Warn("the gallery gets no index", "gallery", name, "err", s.explain(s.background, "build an index", err))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil || s.background.Err() != nil {
			delete(s.building, key)
		} // else it would fail again with each query: it is tried again by the next program
	})
}

// inBackground calls do, which must end with the context. Where the store is closed it
// is left out.
func (s *Store) inBackground(do func(ctx context.Context) error) {
	leave, err := s.enter()
	if err != nil {
		return
	}
	go func() {
		defer leave()
		if err := do(s.background); err != nil && s.background.Err() == nil {
			s.config.Log.Warn("what was replaced is still in the database", "err", err)
		}
	}()
}

// build makes an index. It has a connection of its own, whose lock keeps others from
// building the same one, and ends with it.
func (s *Store) build(ctx context.Context, name string, metric *gallery.Metric) error {
	conn, err := pgx.ConnectConfig(ctx, s.connect)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := s.names.registerTypes(ctx, conn); err != nil {
		return err
	}
	b := builder{Store: s, conn: conn, metric: metric}
	if err := b.claim(ctx, name); err != nil {
		return err
	}
	if err := b.lock(ctx); err != nil {
		return err
	}
	// Others may have made it while this waited, or dropped it.
	var ready bool
	err = conn.QueryRow(ctx, "SELECT ready FROM "+s.names.table("indexes")+" WHERE number = $1 AND gallery IS NOT NULL", b.number).Scan(&ready)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errIndexGone
	case err != nil || ready:
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	if err := b.makeGraph(ctx); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "UPDATE "+s.names.table("indexes")+" SET ready = true WHERE number = $1", b.number); err != nil {
		return err
	}
	// Unlocked first: what becomes superfluous from now on, others can drop.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock("+s.lockOf("$1")+")", b.number); err != nil {
		return err
	}
	return s.sweep(ctx)
}

// lock takes the lock of an index. It asks for it again and again: a statement that waited
// for it would hold a snapshot, for whose end CREATE INDEX CONCURRENTLY waits in the one who
// has the lock, and PostgreSQL would call that a deadlock.
func (b *builder) lock(ctx context.Context) error {
	for {
		var free bool
		err := b.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+b.lockOf("$1")+")", b.number).Scan(&free)
		if err != nil || free {
			return err
		}
		select {
		case <-time.After(lockAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lockOf is the number of an advisory lock, that of building or dropping an index.
func (s *Store) lockOf(number string) string {
	return fmt.Sprintf("hashtextextended(%s, %s)", quoteLiteral("siamese: index of "+s.config.Schema), number)
}

// builder makes an index.
type builder struct {
	*Store
	conn   *pgx.Conn
	metric *gallery.Metric
	found
	number int64 // of the index
}

// claim finds or makes the index's row and its table. From its end on, each Put writes
// to the table, too.
func (b *builder) claim(ctx context.Context, name string) error {
	digest := digestOf(b.metric)
	indexes := b.names.table("indexes")
	return pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) (err error) {
		if b.found, err = b.find(ctx, tx, name, forUpdate); err != nil {
			return err
		}
		if err := fits(b.info, b.metric); err != nil {
			return err
		}
		for _, index := range b.indexes {
			if index.metric == digest {
				b.number = index.number
				return nil
			}
		}
		err = tx.QueryRow(ctx, "INSERT INTO "+indexes+" (gallery, model_digest, metric, weights) VALUES ($1, $2, $3, $4) RETURNING number",
			b.found.number, b.metric.ModelDigest(), digest[:], weightBytes(b.metric)).Scan(&b.number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE "+indexes+" SET gallery = NULL WHERE gallery = $1 AND number NOT IN (SELECT number FROM "+indexes+
			fmt.Sprintf(" WHERE gallery = $1 ORDER BY number DESC LIMIT %d)", maxIndexes), b.found.number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s (entry bigint PRIMARY KEY, near %s(%d) NOT NULL, wide boolean NOT NULL)",
			b.names.near(b.number), b.names.vector(typeOf(b.info.EmbeddingLength)), b.info.EmbeddingLength))
		return rightsNeeded(err, "make tables in the schema "+b.config.Schema)
	})
}

// fill writes what was there before Put did.
func (b *builder) fill(ctx context.Context) error {
	for after := ""; ; {
		entries := 0
		err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
			// The rows are locked, in Put's order, so that none changes before its vector
			// is there.
			rows, err := tx.Query(ctx, "SELECT number, id, embedding FROM "+b.names.table("entries")+
				fmt.Sprintf(" WHERE gallery = $1 AND id > $2 AND model_digest = $3 ORDER BY id LIMIT %d FOR SHARE", fillAtOnce),
				b.found.number, after, b.metric.ModelDigest())
			if err != nil {
				return err
			}
			batch := &pgx.Batch{}
			sql := fmt.Sprintf("INSERT INTO %s VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", b.names.near(b.number))
			var number int64
			var embedding []byte
			_, err = pgx.ForEachRow(rows, []any{&number, &after, &embedding}, func() error {
				entries++
				v, err := decodeEmbedding(embedding)
				if err != nil {
					return fmt.Errorf("the entry %q: %w", after, err)
				}
				n := near(v, b.metric)
				batch.Queue(sql, number, n.data, n.wide)
				return nil
			})
			if err != nil {
				return err
			}
			return tx.SendBatch(ctx, batch).Close()
		})
		if err != nil || entries < fillAtOnce {
			return dropped(err)
		}
	}
}

// dropped turns the error of a table that no longer exists into errIndexGone.
func dropped(err error) error {
	if code(err) == undefinedTable {
		return errIndexGone
	}
	return err
}

// sweep drops the tables of indexes that no gallery has any more. One that is still being
// built is dropped when it is done.
func (s *Store) sweep(ctx context.Context) error {
	indexes := s.names.table("indexes")
	rows, err := s.pool.Query(ctx, "SELECT number FROM "+indexes+" WHERE gallery IS NULL")
	if err != nil {
		return err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, number := range numbers {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			var free bool
			if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock("+s.lockOf("$1")+")", number).Scan(&free); err != nil || !free {
				return err
			}
			if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+s.names.near(number)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "DELETE FROM "+indexes+" WHERE number = $1", number)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
