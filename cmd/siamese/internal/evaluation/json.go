package evaluation

import (
	"encoding/json"
	"io"
	"os"
)

// printJSON writes a result where that is asked for.
func printJSON(w io.Writer, wanted bool, result any) error {
	if !wanted {
		return nil
	}
	return json.NewEncoder(w).Encode(result)
}

// writeJSON writes what was measured to a file; "" is none.
func writeJSON(file string, measured any) error {
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(measured, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o644)
}
