// Package postgres keeps galleries in a PostgreSQL database with the extension
// pgvector, for several servers on one gallery and for galleries that are larger than
// a machine's memory.
//
// Entries are rows of one table; what finds the nearest ones is an HNSW index for each
// gallery, in a table of its own, so that no other gallery's entries are in the way.
// That table depends on the metric, which comes with a query: the first query with a
// metric has it made in the background. Until it is there, and in small galleries, each
// query looks at all entries. With an index the entries found are the nearest ones but
// for a few in a thousand, of groups of thousands that are alike a few in a hundred, and
// their order and distances are exact. A new index is tried, and made again with more
// links where more than one in twenty of its entries can't be reached by its own
// embedding; those that are put later are not tried.
//
// An entry with 123 numbers that are not 0 takes 1.7 kB of the index, 1.1 kB of its table
// and 0.8 kB of the entries: searches are fast where the index is within PostgreSQL's
// shared_buffers, whose default of 128 MB is enough for some 70,000.
//
// # Joins
//
// The view gallery_entries of the schema is for others to read, with the columns
// gallery (its name), id, thing, metadata, stale, familiarity and enrolled:
//
//	SELECT p.title, e.enrolled
//	FROM products p JOIN siamese.gallery_entries e ON e.id = p.sku
//	WHERE e.gallery = 'products'
//
// Within a gallery the id is unique; the rest of the schema may change.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"siamese/gallery"
)

// Config says where the database is, and how it is used.
type Config struct {
	// URL is as psql takes it: postgres://user:password@host:5432/database?sslmode=…,
	// or keywords and values. What it leaves out comes from the environment (PGHOST,
	// PGPASSWORD and so on) and ~/.pgpass, as with all clients of PostgreSQL.
	URL string
	// Schema is where the tables are; it is made where there is none. Default:
	// "siamese".
	Schema string
	// MaxConns is how many connections the store has at a time, beside one for each
	// index that it builds. Default: 8, as many queries as keep a database busy.
	MaxConns int
	// IndexFrom is how many entries a gallery has when it gets an index. Default:
	// 2,000, which are looked at in some 10 ms.
	IndexFrom int
	// BuildMemory is how many bytes the database may use for building an index, which
	// takes several times as long where it is less than the index. Default: 1 GiB.
	BuildMemory int64
	// Log gets what happens in the background. Default: nothing is logged.
	Log *slog.Logger
}

const (
	defaultSchema      = "siamese"
	defaultMaxConns    = 8
	defaultIndexFrom   = 2000
	defaultBuildMemory = 1 << 30

	// maxSchemaBytes is what PostgreSQL cuts names to.
	maxSchemaBytes = 63
	// minBuildMemory is what PostgreSQL takes at least.
	minBuildMemory = 1 << 20
)

// withDefaults returns the configuration with what is left out, or what is wrong.
func (c Config) withDefaults() (Config, error) {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.MaxConns == 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.IndexFrom == 0 {
		c.IndexFrom = defaultIndexFrom
	}
	if c.BuildMemory == 0 {
		c.BuildMemory = defaultBuildMemory
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case len(c.Schema) > maxSchemaBytes:
		return c, fmt.Errorf("schema: received %d bytes, expected at most %d", len(c.Schema), maxSchemaBytes)
	case c.MaxConns < 1:
		return c, fmt.Errorf("connections: received %d, expected 1 or more", c.MaxConns)
	case c.IndexFrom < 1:
		return c, fmt.Errorf("entries from which there is an index: received %d, expected 1 or more", c.IndexFrom)
	case c.BuildMemory < minBuildMemory:
		return c, fmt.Errorf("memory for building: received %d bytes, expected %d or more", c.BuildMemory, minBuildMemory)
	}
	return c, nil
}

// Store keeps galleries in a database. Several stores, of several programs, may use one
// schema at a time.
type Store struct {
	config  Config
	connect *pgx.ConnConfig
	names   names
	pool    *pgxpool.Pool
	metrics metrics

	// What runs in the background ends with the context.
	background context.Context
	cancel     context.CancelFunc

	mu       sync.Mutex
	closed   bool
	running  sync.WaitGroup  // calls and what runs in the background
	building map[string]bool // indexes that this store builds
}

var _ gallery.Store = (*Store)(nil)

// Open connects to a database and brings its schema up to date. The caller must close
// the store. ctx is for opening alone.
func Open(ctx context.Context, config Config) (*Store, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("gallery/postgres: %w", err)
	}
	pool, err := poolConfig(config)
	if err != nil {
		return nil, fmt.Errorf("gallery/postgres: %w", err)
	}
	s := &Store{config: config, connect: pool.ConnConfig, building: make(map[string]bool)}
	extension, err := s.prepare(ctx)
	if err != nil {
		return nil, s.explain(ctx, "open", err)
	}
	s.names = names{schema: config.Schema, extension: extension}
	pool.AfterConnect = s.names.registerTypes
	if s.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, s.explain(ctx, "open", err)
	}
	s.background, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.inBackground(s.sweep) // what a program that was killed has left
	return s, nil
}

// Close waits for calls and ends the store.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		s.cancel()
	}
	s.running.Wait()
	s.pool.Close()
	return nil
}

// enter counts a call, or what runs in the background, until its leave.
func (s *Store) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, gallery.ErrClosed
	}
	s.running.Add(1)
	return s.running.Done, nil
}
