package serve

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// leaveDead leaves the socket of a server that is dead at path.
func leaveDead(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestListenUnix: only its user can connect, a dead server's socket gives way, a living
// one's and all else stay.
func TestListenUnix(t *testing.T) {
	t.Chdir(t.TempDir()) // paths of temporary folders may be too long for a socket
	leaveDead(t, "dead.sock")
	if err := os.WriteFile("file", []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "dead.sock", "dangling": "nowhere", "folder": "."} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("real", 0o700); err != nil {
		t.Fatal(err)
	}
	living, err := listen(t.Context(), "--addr", "unix:living.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	tests := []struct{ give, want string }{
		{"unix:new.sock", ""},
		{"unix:dead.sock", ""},
		{"unix:folder/linked.sock", ""},
		{"unix:living.sock", "--addr unix:living.sock: another program answers there"},
		{"unix:link", "what is no socket (L"},
		{"unix:dangling", "what is no socket (L"},
		{"unix:file", "what is no socket (-rw"},
		{"unix:real", "what is no socket (drwx"},
		{"unix:none/new.sock", "no such file or directory"},
		{"unix:", "expected unix:/path"},
		{"unix:@name", "expected unix:/path"},
		{"unix:" + strings.Repeat("x", 108), "a path of 108 bytes, expected at most 107"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			got, err := listen(t.Context(), "--addr", tt.give)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("listen = %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			path := strings.TrimPrefix(tt.give, "unix:")
			if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
				t.Errorf("the socket has mode %v, %v; want 0600", info.Mode(), err)
			}
			if err := got.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the socket is there after Close, want it gone")
			}
		})
	}
	if text, err := os.ReadFile("file"); err != nil || string(text) != "kept" {
		t.Errorf("the file has %q, %v; want it left alone", text, err)
	}
	conn, err := net.Dial("unix", "living.sock")
	if err != nil {
		t.Fatalf("the living one: %v", err)
	}
	_ = conn.Close()
	if info, err := os.Stat("living.sock"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the living one has mode %v, %v", info.Mode(), err)
	}
}

// TestOneOfManyTakesADeadSocket: of servers that start at once one gets it, and the
// others leave it alone.
func TestOneOfManyTakesADeadSocket(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 20 {
		leaveDead(t, "s.sock")
		var won atomic.Int32
		var winner net.Listener
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if listener, err := listen(t.Context(), "--addr", "unix:s.sock"); err == nil {
					won.Add(1)
					winner = listener
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d servers have the socket, want 1", won.Load())
		}
		conn, err := net.Dial("unix", "s.sock")
		if err != nil {
			t.Fatalf("the one that has it is not reached: %v", err)
		}
		_ = conn.Close()
		_ = winner.Close()
	}
}

func TestListenTellsOfTakenPorts(t *testing.T) {
	taken, err := listen(t.Context(), "--addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for give, want := range map[string]string{
		taken.Addr().String():                "--admin-addr " + taken.Addr().String() + " is taken by another program ('siamese doctor' says which): give another address",
		"nowhere":                            "expected host:port or unix:/path",
		filepath.Join(t.TempDir(), "x.sock"): "expected host:port or unix:/path",
	} {
		if _, err := listen(t.Context(), "--admin-addr", give); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("listen at %q = %v, want %q", give, err, want)
		}
	}
}
