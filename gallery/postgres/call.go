package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"siamese/gallery"
)

// Codes of PostgreSQL's errors.
const (
	uniqueViolation       = "23505"
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	insufficientPrivilege = "42501"
	undefinedTable        = "42P01"
	invalidSchemaName     = "3F000"
	undefinedFile         = "58P01"
	featureNotSupported   = "0A000"
	tooManyConnections    = "53300"
	diskFull              = "53100"
	queryCanceled         = "57014"
	adminShutdown         = "57P01"
	crashShutdown         = "57P02"
	cannotConnectNow      = "57P03"
)

// What failed for a reason that passes, such as a restart of the database, is tried
// again for as long as a restart takes, after longer and longer waits.
const (
	retryFor  = 15 * time.Second
	firstWait = 20 * time.Millisecond
	maxWait   = time.Second
)

// errUncertain says that nobody knows whether a transaction is kept.
var errUncertain = errors.New("the connection was lost while the change was being kept: whether it is kept is unknown, and it may be made again")

// refusal is an error of what was asked for.
type refusal struct{ text string }

func (r *refusal) Error() string { return "gallery: " + r.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// code is that of a database's error, else empty.
func code(err error) string {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		return fault.Code
	}
	return ""
}

// passing reports whether an error, of a transaction that is not kept, is one that
// passes.
func passing(err error) bool {
	switch code := code(err); code {
	case serializationFailure, deadlockDetected, tooManyConnections, adminShutdown, crashShutdown, cannotConnectNow:
		return true
	case "":
	default:
		return strings.HasPrefix(code, "08") // connection exceptions
	}
	if errors.Is(err, errUncertain) || errors.Is(err, gallery.ErrNotFound) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, errIndexGone) || pgconn.SafeToRetry(err) || isConnClosed(err)
}

// isConnClosed reports whether a connection broke before it was used.
func isConnClosed(err error) bool {
	return strings.Contains(err.Error(), "conn closed")
}

// retry calls do, again while its error passes.
func (s *Store) retry(ctx context.Context, do func() error) error {
	end := time.Now().Add(retryFor)
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		err := do()
		if err == nil || ctx.Err() != nil || !passing(err) || time.Now().Add(wait).After(end) {
			return err
		}
		s.config.Log.Warn("the database is asked again", "after", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// explain says in an error which database it is of, and what was being done. Those of
// package gallery, and of ctx, can be told by errors.Is.
func (s *Store) explain(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	for _, known := range []error{gallery.ErrNotFound, gallery.ErrExists, gallery.ErrClosed, gallery.ErrDamaged} {
		if errors.Is(err, known) {
			return err
		}
	}
	if _, ok := errors.AsType[*refusal](err); ok {
		return err
	}
	if ctx.Err() == nil && (passing(err) || errors.Is(err, errUncertain)) {
		err = fmt.Errorf("%w: %w", gallery.ErrUnavailable, err)
	}
	return fmt.Errorf("gallery: PostgreSQL at %s: %s: %w", address(s.connect), what, rightsNeeded(err, what))
}

// read calls do, which changes nothing, with the pool's connections. It may call it
// again after a failure.
func (s *Store) read(ctx context.Context, what string, do func() error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.explain(ctx, what, s.retry(ctx, do))
}

// write calls do in a transaction, which is kept when do returns no error. It may call
// it again after a failure.
func (s *Store) write(ctx context.Context, what string, do func(tx pgx.Tx) error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	return s.explain(ctx, what, s.retry(ctx, func() error { return s.transact(ctx, do) }))
}

func (s *Store) transact(ctx context.Context, do func(tx pgx.Tx) error) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelDelay)
		defer cancel()
		_ = tx.Rollback(ctx) // what can't be rolled back has a broken connection, which ends it
	}()
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		if code(err) == "" && !errors.Is(err, pgx.ErrTxCommitRollback) {
			return fmt.Errorf("%w: %w", errUncertain, err)
		}
		return err
	}
	return nil
}
