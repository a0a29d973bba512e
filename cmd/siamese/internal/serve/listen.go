package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"siamese/client"
)

// unixPrefix begins the address of a unix socket.
const unixPrefix = "unix:"

// errTaken is a port at which another program listens.
var errTaken = errors.New("is taken by another program")

// listen opens the port that a flag asks for: host:port, or unix:/path.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	if path, isUnix := strings.CutPrefix(address, unixPrefix); isUnix {
		listener, err := listenUnix(ctx, strings.TrimPrefix(path, "//"))
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", flag, address, err)
		}
		return listener, nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s %w ('siamese doctor' says which): give another address", flag, address, errTaken)
	case err != nil:
		return nil, fmt.Errorf("%s: %w (expected host:port or unix:/path)", flag, err)
	}
	return listener, nil
}

// socketMask leaves the socket to the server's user alone: mode 0600.
const socketMask = 0o177

// listenUnix opens a unix socket that its user alone can connect to. The socket of a
// server that is dead is removed; all else that is there is left alone.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	switch {
	case path == "" || strings.HasPrefix(path, "@"):
		return nil, errors.New("received no path of a file, expected unix:/path")
	case len(path) > client.MaxSocketPath:
		return nil, fmt.Errorf("received a path of %d bytes, expected at most %d, which is the system's limit for sockets", len(path), client.MaxSocketPath)
	}
	unlock := lockFolder(filepath.Dir(path))
	defer unlock()
	if err := removeDead(ctx, path); err != nil {
		return nil, err
	}
	// The mode is that of the socket from its first moment on. The mask is the whole
	// process's, which makes no other files meanwhile.
	before := syscall.Umask(socketMask)
	defer syscall.Umask(before)
	var config net.ListenConfig
	return config.Listen(ctx, "unix", path)
}

// lockFolder keeps other servers from a folder until unlock is called, so that no two
// of them take the same socket for dead and one removes the other's new one. A folder
// that can't be opened is not locked: making a socket there will tell.
func lockFolder(path string) (unlock func()) {
	folder, err := os.Open(path)
	if err != nil {
		return func() {}
	}
	_ = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX) // where there are no locks there is no harm but in a race
	return func() { _ = folder.Close() }
}

// removeDead removes the socket at path where nobody listens at it any more.
func removeDead(ctx context.Context, path string) error {
	const patience = 5 * time.Second
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("received the path of what is no socket (%s), expected that of a socket or of nothing", info.Mode())
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return errors.New("another program answers there: stop it, or give another path")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil // it has gone by itself
	}
	return fmt.Errorf("there is a socket that may be in use: %w", err)
}

// addressOf is a port's address as clients write it.
func addressOf(address net.Addr) string {
	if address.Network() == "unix" {
		return unixPrefix + address.String()
	}
	return address.String()
}
