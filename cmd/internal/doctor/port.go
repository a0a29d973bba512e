package doctor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Owner says which process listens at a TCP port: its name and number, or how to find
// out where another user's processes can't be looked into. Empty: nobody listens.
func Owner(port int) string {
	sockets := listening(port)
	if len(sockets) == 0 {
		return ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !sockets[target] {
			continue
		}
		pid := strings.Split(link, "/")[2]
		name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
		if err != nil {
			continue // it has ended meanwhile
		}
		return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid)
	}
	return fmt.Sprintf("another user's process (as root: ss -ltnp 'sport = :%d')", port)
}

// listening are the sockets at which somebody listens on a port, as links in /proc name
// them.
func listening(port int) map[string]bool {
	const listen = "0A" // state in /proc/net/tcp
	found := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || fields[3] != listen {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if number, err := strconv.ParseUint(hex, 16, 16); err == nil && int(number) == port {
				found["socket:["+fields[9]+"]"] = true
			}
		}
		_ = file.Close()
	}
	return found
}
