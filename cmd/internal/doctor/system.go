package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Files says whether the process may have as many files and connections open as needed.
func Files(needed uint64) Check {
	const name = "open files"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return Warn(name, err.Error(), "")
	}
	// Go raises the soft limit to the hard one when a program starts.
	found := fmt.Sprintf("limit %d", limit.Max)
	if limit.Max >= needed {
		return Fine(name, "%s", found)
	}
	return Warn(name, fmt.Sprintf("%s, all connections that are allowed take %d: more are refused when it is reached", found, needed),
		fmt.Sprintf("ulimit -Hn %d (as root), LimitNOFILE=%d in a systemd unit, or a smaller --max-connections", needed, needed))
}

// Folder says whether a folder can be written, and has room.
func Folder(name, path string, neededBytes uint64, flag string) Check {
	mend := fmt.Sprintf("name another folder: %s DIR", flag)
	made := path
	for !exists(made) && made != filepath.Dir(made) {
		made = filepath.Dir(made) // the program makes what is missing
	}
	trial, err := os.CreateTemp(made, "siamese-doctor-")
	if err != nil {
		return Fail(name, fmt.Sprintf("%s can't be written: %v", path, err), mend)
	}
	_ = trial.Close()
	if err := os.Remove(trial.Name()); err != nil {
		return Warn(name, err.Error(), mend)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(made, &disk); err != nil {
		return Warn(name, fmt.Sprintf("%s can be written; its room is not known: %v", path, err), "")
	}
	free := disk.Bavail * uint64(disk.Bsize)
	if free < neededBytes {
		return Fail(name, fmt.Sprintf("%s has %d MB free, a model takes %d MB while it is loaded", path, free>>20, neededBytes>>20), mend+", or make room")
	}
	return Fine(name, "%s can be written, %d MB free", path, free>>20)
}

// Clock says whether the time of day can be true: certificates and tokens go by it.
func Clock(program string, now time.Time) Check {
	const name = "clock"
	info, err := os.Stat(program)
	if err != nil {
		return Warn(name, err.Error(), "")
	}
	text := now.UTC().Format(time.RFC3339)
	// A day: files may come from a machine whose clock is a little ahead.
	if built := info.ModTime(); now.Before(built.Add(-24 * time.Hour)) {
		return Warn(name, fmt.Sprintf("%s is before %s, when this program was made: certificates will seem not to be valid yet", text, built.UTC().Format(time.RFC3339)),
			"timedatectl set-ntp true")
	}
	return Fine(name, "%s", text)
}

// AvailableMemory is how many bytes programs can take now without others being swapped
// out; known is false where the system does not tell.
func AvailableMemory() (bytes int64, known bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &bytes); err == nil {
			return bytes << 10, true
		}
	}
	return 0, false
}
