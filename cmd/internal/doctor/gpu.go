package doctor

import (
	"os"
	"path/filepath"
	"regexp"
)

// GPU is what the system has of NVIDIA's: whether there are device nodes, and which
// version the driver is of; empty where there is none.
type GPU struct {
	Nodes  []string // such as /dev/nvidia0
	Driver string
}

var driverVersion = regexp.MustCompile(`[0-9]{3}\.[0-9.]+`)

// FindGPU looks at device nodes and the driver, without loading anything.
func FindGPU() GPU {
	nodes, err := filepath.Glob("/dev/nvidia[0-9]*")
	if err != nil {
		nodes = nil
	}
	text, err := os.ReadFile("/proc/driver/nvidia/version")
	if err != nil {
		return GPU{Nodes: nodes}
	}
	return GPU{nodes, driverVersion.FindString(string(text))}
}
