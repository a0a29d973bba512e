package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
	"siamese/gallery/postgres"
	"siamese/internal/postgrestest"
)

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		give postgres.Config
		want string
	}{
		{postgres.Config{URL: "postgres://user:secret@host:nowhere/db"}, "parse"},
		{postgres.Config{Schema: strings.Repeat("x", 64)}, "received 64 bytes, expected at most 63"},
		{postgres.Config{MaxConns: -1}, "received -1, expected 1 or more"},
		{postgres.Config{IndexFrom: -1}, "received -1, expected 1 or more"},
		{postgres.Config{BuildMemory: 1}, "received 1 bytes, expected 1048576 or more"},
	} {
		store, err := postgres.Open(t.Context(), tt.give)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%+v) = %v, %v, want an error with %q and without the password", tt.give, store, err, tt.want)
		}
	}
}

// TestNoServer asks a port that nothing listens at.
func TestNoServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := postgres.Open(ctx, postgres.Config{URL: "postgres://somebody:secret@127.0.0.1:1/somewhere"})
	if err == nil || !strings.Contains(err.Error(), `127.0.0.1:1 (database "somewhere")`) || strings.Contains(err.Error(), "secret") {
		t.Errorf("Open() without a server = %v, want an error that names it, without the password", err)
	}
}

// TestReopen opens a schema that is there: with its galleries, and with versions that
// it may have.
func TestReopen(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	store := open(t, postgres.Config{URL: url})
	create(t, store)
	if _, err := store.Put(t.Context(), "g", entries(0, 20)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, postgres.Config{URL: url})
	checkEach(t, store, 0, 20)
	other := open(t, postgres.Config{URL: url, Schema: "other"})
	if all, err := other.Galleries(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Galleries() of another schema = %+v, %v, want none", all, err)
	}

	server.Exec(t, url, "UPDATE siamese.version SET number = 99")
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil || !strings.Contains(err.Error(), "version 99, expected at most") {
		t.Errorf("Open() of a newer schema = %v, want an error that says so", err)
	}
	// A schema whose tables its owner has made already.
	server.Exec(t, url, "CREATE SCHEMA mine", "CREATE TABLE mine.products (sku text)")
	create(t, open(t, postgres.Config{URL: url, Schema: "mine"}))
}

// TestRoles opens by roles that may little.
func TestRoles(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	roleURL := server.URL("weak", config.Database)
	server.Exec(t, url, "CREATE ROLE weak LOGIN")
	expect := func(moment, want string) {
		t.Helper()
		if _, err := postgres.Open(t.Context(), postgres.Config{URL: roleURL}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open() %s = %v, want an error with %q", moment, err, want)
		}
	}
	expect("of a database without the extension", "have the database take pgvector, which a superuser does by CREATE EXTENSION vector")
	server.Exec(t, url, "CREATE EXTENSION vector")
	expect("of a database in which the role may make nothing", `the role lacks the right to make and change the schema "siamese"`)
	create(t, open(t, postgres.Config{URL: url}))
	expect("of a schema that the role may not read", `the role lacks the right to read the schema "siamese"`)

	// One that reads.
	server.Exec(t, url, "GRANT USAGE ON SCHEMA siamese TO weak", "GRANT SELECT ON ALL TABLES IN SCHEMA siamese TO weak")
	store := open(t, postgres.Config{URL: roleURL, IndexFrom: 1})
	if _, err := store.Put(t.Context(), "g", entries(0, 1)); err == nil || !strings.Contains(err.Error(), "the role lacks the right to put entries") {
		t.Errorf("Put() by a role that may only read = %v, want an error that says so", err)
	}
	// One that writes, and makes no tables: it searches without indexes.
	server.Exec(t, url, "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA siamese TO weak")
	if _, err := store.Put(t.Context(), "g", entries(0, 20)); err != nil {
		t.Errorf("Put() by a role that may write = %v, want no error", err)
	}
	checkEach(t, store, 0, 20)
	if err := store.BuildIndex(t.Context(), "g", metric(t)); err == nil || !strings.Contains(err.Error(), "the role lacks the right to make tables in the schema siamese") {
		t.Errorf("BuildIndex() by a role that makes no tables = %v, want an error that says so", err)
	}
}

// TestJoin is what the package says of others' tables.
func TestJoin(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	store := open(t, postgres.Config{URL: url})
	create(t, store)
	if _, err := store.Put(t.Context(), "g", entries(0, 20)); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, url, "CREATE TABLE products (sku varchar(40) PRIMARY KEY, title text)",
		"INSERT INTO products VALUES ('000007', 'lamp'), ('none', 'chair')")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var title, thing, lot string
	var stale bool
	err = conn.QueryRow(t.Context(), `SELECT p.title, e.thing, e.stale, e.metadata->>'lot'
		FROM products p JOIN siamese.gallery_entries e ON e.id = p.sku WHERE e.gallery = 'g'`).Scan(&title, &thing, &stale, &lot)
	if err != nil || title != "lamp" || thing != "000007" || stale || lot != "0" {
		t.Errorf("a join = %q, %q, %t, %q, %v, want the lamp with its entry", title, thing, stale, lot, err)
	}
}

// TestDamaged has somebody change what is in a row.
func TestDamaged(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	store := open(t, postgres.Config{URL: url})
	create(t, store)
	if _, err := store.Put(t.Context(), "g", entries(0, 3)); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, url, "UPDATE siamese.entries SET embedding = substr(embedding, 1, 5) WHERE id = '000001'")
	query := gallery.Query{Embedding: entry(1).Embedding, Metric: metric(t), Limit: 3}
	_, err := store.Nearest(t.Context(), "g", query)
	checkDamaged(t, "Nearest()", err)
	_, err = store.Get(t.Context(), "g", []string{"000001"}, gallery.Parts{Embedding: true})
	checkDamaged(t, "Get()", err)
	checkDamaged(t, "BuildIndex()", store.BuildIndex(t.Context(), "g", query.Metric))
	// What is put again is whole.
	if outcomes, err := store.Put(t.Context(), "g", entries(1, 2)); err != nil || outcomes[0] != gallery.Replaced {
		t.Errorf("Put() of an entry that was damaged = %v, %v, want that it is replaced", outcomes, err)
	}
	checkEach(t, store, 0, 3)
}
