package embedded

import "syscall"

// unmapPages lets go of mapped pages of a file, which are mapped again when they are
// read.
func unmapPages(start uintptr, size int64) error {
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, start, uintptr(size), syscall.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}
