//go:build !linux

package dedupe

// renameNew renames a file; fs.ErrExist where the new name is taken.
func renameNew(from, to string) error { return linkNew(from, to) }
