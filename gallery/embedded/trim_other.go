//go:build !linux

package embedded

// unmapPages leaves it to the operating system to take pages back.
func unmapPages(uintptr, int64) error { return nil }
