package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Waits for the network: long enough for any that works.
const (
	connectTimeout = 10 * time.Second
	// cancelDelay is how long the database has for ending a statement that its caller
	// gave up, before the connection is closed.
	cancelDelay = 5 * time.Second
)

// poolConfig reads the URL. Errors say nothing of a password.
func poolConfig(config Config) (*pgxpool.Config, error) {
	pool, err := pgxpool.ParseConfig(config.URL)
	if err != nil {
		return nil, err
	}
	pool.MaxConns = int32(min(config.MaxConns, 1<<15))
	connect := pool.ConnConfig
	if connect.ConnectTimeout == 0 || connect.ConnectTimeout > connectTimeout {
		connect.ConnectTimeout = connectTimeout
	}
	if connect.RuntimeParams["application_name"] == "" {
		connect.RuntimeParams["application_name"] = "siamese"
	}
	// A statement whose context ends is cancelled in the database, too, and the
	// connection stays.
	connect.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelDelay}
	}
	return pool, nil
}

// address says which database it is, for messages.
func address(config *pgx.ConnConfig) string {
	if config.Host != "" && config.Host[0] == '/' {
		return fmt.Sprintf("%s (database %q)", config.Host, config.Database)
	}
	return fmt.Sprintf("%s:%d (database %q)", config.Host, config.Port, config.Database)
}

// names are what is in SQL by name, quoted: nothing depends on the search path.
type names struct {
	schema, extension string
}

// table is one of the schema's.
func (n names) table(name string) string { return pgx.Identifier{n.schema, name}.Sanitize() }

// near is the table of an index.
func (n names) near(number int64) string { return n.table(fmt.Sprintf("near_%d", number)) }

// vector is a type or class of operators that pgvector has.
func (n names) vector(name string) string { return pgx.Identifier{n.extension, name}.Sanitize() }

// distance is pgvector's operator for L1.
func (n names) distance() string {
	return "OPERATOR(" + pgx.Identifier{n.extension}.Sanitize() + ".<+>)"
}

// registerTypes has a connection take the binary forms of pgvector's types as bytes.
func (n names) registerTypes(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT t.typname, t.oid FROM pg_type t JOIN pg_namespace s ON s.oid = t.typnamespace
		WHERE s.nspname = $1 AND t.typname IN ($2, $3)`, n.extension, typeDense, typeSparse)
	if err != nil {
		return err
	}
	found := 0
	var name string
	var oid uint32
	_, err = pgx.ForEachRow(rows, []any{&name, &oid}, func() error {
		found++
		conn.TypeMap().RegisterType(&pgtype.Type{Name: name, OID: oid, Codec: pgtype.ByteaCodec{}})
		return nil
	})
	if err == nil && found != 2 {
		err = errors.New("the extension vector has gone from the database")
	}
	return err
}

// quoteLiteral is a string in SQL.
func quoteLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
