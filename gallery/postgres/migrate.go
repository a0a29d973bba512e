package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// migrations bring a schema from each version to the next one: 0001.sql makes version 1.
//
//go:embed migrations/*.sql
var migrations embed.FS

// What pgvector must have: L1 for sparse vectors, and scans of an index that go on
// until enough entries pass a filter.
const extensionMajor, extensionMinor = 0, 8

// prepare brings the schema up to date, and returns the schema of the extension.
func (s *Store) prepare(ctx context.Context) (extension string, err error) {
	err = s.retry(ctx, func() error {
		conn, err := pgx.ConnectConfig(ctx, s.connect)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		extension, err = migrate(ctx, conn, s.config.Schema)
		return err
	})
	return extension, err
}

// migrate brings a schema up to date. Where it is already, nothing is asked of the
// database but to read: the role need not own the schema.
func migrate(ctx context.Context, conn *pgx.Conn, schema string) (extension string, err error) {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return "", err
	}
	version, err := versionOf(ctx, conn, schema)
	if err != nil {
		return "", err
	}
	if version > len(steps) {
		return "", fmt.Errorf("the schema %q has version %d, expected at most %d: a newer program has been here", schema, version, len(steps))
	}
	if version == len(steps) {
		return extensionOf(ctx, conn)
	}
	// Of several programs that start at once one migrates, and the others wait.
	const lock, unlock = `SELECT pg_advisory_lock(hashtextextended($1, 0))`, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`
	key := "siamese: migrations of " + schema
	if _, err := conn.Exec(ctx, lock, key); err != nil {
		return "", err
	}
	extension, err = runMigrations(ctx, conn, schema, steps)
	_, unlockErr := conn.Exec(context.WithoutCancel(ctx), unlock, key)
	return extension, errors.Join(err, unlockErr)
}

// versionOf is a schema's version, 0 where there is none.
func versionOf(ctx context.Context, conn *pgx.Conn, schema string) (version int, err error) {
	table := pgx.Identifier{schema, "version"}.Sanitize()
	err = conn.QueryRow(ctx, "SELECT number FROM "+table).Scan(&version)
	switch code(err) {
	case undefinedTable, invalidSchemaName:
		return 0, nil
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return version, rightsNeeded(err, "read the schema "+strconv.Quote(schema))
}

// extensionOf is the schema that pgvector is in.
func extensionOf(ctx context.Context, conn *pgx.Conn) (schema string, err error) {
	var version string
	err = conn.QueryRow(ctx, `SELECT s.nspname, e.extversion FROM pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace
		WHERE e.extname = 'vector'`).Scan(&schema, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errors.New("the database lacks the extension vector (pgvector): a superuser makes it by CREATE EXTENSION vector")
	}
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(version+".0", ".", 3)
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	if major < extensionMajor || major == extensionMajor && minor < extensionMinor {
		return "", fmt.Errorf("pgvector in the database has version %s, expected %d.%d or newer: ALTER EXTENSION vector UPDATE", version, extensionMajor, extensionMinor)
	}
	return schema, nil
}

// runMigrations runs the steps that a schema lacks, each in a transaction.
func runMigrations(ctx context.Context, conn *pgx.Conn, schema string, steps []string) (extension string, err error) {
	if err := makeExtension(ctx, conn); err != nil {
		return "", err
	}
	if extension, err = extensionOf(ctx, conn); err != nil {
		return "", err
	}
	version, err := versionOf(ctx, conn, schema) // others may have been first
	if err != nil {
		return "", err
	}
	for _, step := range steps[version:] {
		if err := runMigration(ctx, conn, schema, extension, step); err != nil {
			return "", fmt.Errorf("migration %s: %w", path.Base(step), rightsNeeded(err, fmt.Sprintf("make and change the schema %q", schema)))
		}
	}
	return extension, nil
}

// makeExtension has the database take pgvector, if it hasn't.
func makeExtension(ctx context.Context, conn *pgx.Conn) error {
	var has bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')`).Scan(&has); err != nil || has {
		return err
	}
	_, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector")
	switch code(err) {
	case undefinedFile, featureNotSupported:
		return fmt.Errorf("the database server lacks pgvector %d.%d or newer (Debian: the package postgresql-VERSION-pgvector): %w", extensionMajor, extensionMinor, err)
	}
	return rightsNeeded(err, "have the database take pgvector, which a superuser does by CREATE EXTENSION vector")
}

// runMigration runs a step, and keeps the version that it makes.
func runMigration(ctx context.Context, conn *pgx.Conn, schema, extension, step string) error {
	text, err := migrations.ReadFile(step)
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(strings.TrimSuffix(path.Base(step), ".sql"))
	if err != nil {
		return err
	}
	quoted := pgx.Identifier{schema}.Sanitize()
	statements := strings.NewReplacer("{schema}", quoted, "{extension}", pgx.Identifier{extension}.Sanitize()).Replace(string(text))
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{
			"CREATE SCHEMA IF NOT EXISTS " + quoted,
			"CREATE TABLE IF NOT EXISTS " + quoted + ".version (number integer NOT NULL)",
			statements,
			"DELETE FROM " + quoted + ".version",
			fmt.Sprintf("INSERT INTO %s.version VALUES (%d)", quoted, version),
		} {
			// The simple protocol, which takes several statements at once.
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return nil
	})
}

// rightsNeeded adds what a role lacks rights for to the database's error that it does.
func rightsNeeded(err error, what string) error {
	var fault *pgconn.PgError
	if errors.As(err, &fault) && fault.Code == insufficientPrivilege {
		return fmt.Errorf("the role lacks the right to %s: %w", what, err)
	}
	return err
}
