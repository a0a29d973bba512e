// Package seeds is for tests: it gives fuzz targets their first inputs.
package seeds

import (
	"os"
	"path/filepath"
	"testing"
)

// Add adds each file that the pattern names, as filepath.Glob has it, to f. No such file,
// or one that can't be read, ends the test.
func Add(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds are named %s: %v", pattern, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}
