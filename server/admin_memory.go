package server

import (
	"fmt"
	"os"
)

// residentBytes is the process's resident memory, 0 where the system does not
// tell. A model's memory is TensorFlow's: Go's own statistics don't have it.
func residentBytes() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident uint64 // in pages
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}
