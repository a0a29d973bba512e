// Package postgrestest runs a real PostgreSQL with pgvector for tests, which is the
// test binary's own and ends with it.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Server is a cluster that is reached through a socket in a folder.
type Server struct {
	folder    string
	databases atomic.Int32
}

// Main is the body of TestMain for packages that use Start.
func Main(m *testing.M) { os.Exit(Stopping{m}.Run()) }

// Stopping are tests after which the server is stopped, for packages whose TestMain has
// more to do than Main.
type Stopping struct{ *testing.M }

// Run runs the tests, and returns the exit status.
func (m Stopping) Run() int {
	status := m.M.Run()
	if s, err := shared(); err == nil && s != nil {
		if err := script("stop", s.folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
	}
	return status
}

var started atomic.Bool

// shared is the test binary's server, which starts with the first call; nil where no
// test has started it, when Main asks.
var shared = sync.OnceValues(func() (*Server, error) {
	if !started.Load() {
		return nil, nil
	}
	folder, err := os.MkdirTemp("", "siamese-postgres-")
	if err != nil {
		return nil, err
	}
	if err := script("start", folder); err != nil {
		return nil, err
	}
	return &Server{folder: folder}, nil
})

// Start returns the test binary's server. Where this machine has no PostgreSQL with
// pgvector the test is left out, and says why.
func Start(t testing.TB) *Server {
	t.Helper()
	if err := script("find"); err != nil {
		t.Skipf("left out: %v", err)
	}
	started.Store(true)
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// script runs scripts/postgres.sh.
func script(args ...string) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(root, "scripts", "postgres.sh"), args...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("scripts/postgres.sh %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}

func findRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no folder above the test has a go.mod")
		}
	}
}

// Database makes an empty database, and returns the URL by which its superuser reaches
// it.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.Exec(t, s.URL("postgres", "postgres"), "CREATE DATABASE "+name)
	return s.URL("postgres", name)
}

// URL is that of a role, which needs no password, and a database.
func (s *Server) URL(role, database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s", url.QueryEscape(role), url.PathEscape(database), url.QueryEscape(filepath.Join(s.folder, "socket")))
}

// Exec runs statements.
func (s *Server) Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // cleanups have none
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Restart stops the server, which breaks all connections, and starts it.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := script("restart", s.folder); err != nil {
		t.Fatal(err)
	}
}

// Hold runs a statement in a transaction that stays open until release.
func (s *Server) Hold(t testing.TB, url, sql string) (release func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		_, err = conn.Exec(ctx, "BEGIN; "+sql)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return func() {
		if err := conn.Close(ctx); err != nil {
			t.Errorf("close the connection that holds %s: %v", sql, err)
		}
	}
}

// WaitFor asks until the answer is true.
func (s *Server) WaitFor(t testing.TB, url, question string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for answer := false; !answer; {
		if err := conn.QueryRow(t.Context(), question).Scan(&answer); err != nil {
			t.Fatalf("%s: %v", question, err)
		}
	}
}
