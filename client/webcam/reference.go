package webcam

import (
	"fmt"
	"os"
	"path/filepath"

	"siamese/client"
)

// ReadReferences reads image files as references named as the files are; a name
// that is there already gets a number. Whether a file is an image the server
// finds out. Errors name the file.
func ReadReferences(paths []string) ([]client.Reference, error) {
	references := make([]client.Reference, 0, len(paths))
	taken := make(map[string]bool)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		if len(data) == 0 {
			return nil, fmt.Errorf("reference: %s is empty", path)
		}
		name := freeName(filepath.Base(path), taken)
		taken[name] = true
		references = append(references, client.Reference{Name: name, Image: data})
	}
	return references, nil
}

func freeName(name string, taken map[string]bool) string {
	free := name
	for number := 2; taken[free]; number++ {
		free = fmt.Sprintf("%s (%d)", name, number)
	}
	return free
}
