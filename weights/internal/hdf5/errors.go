package hdf5

import "errors"

// Errors of Open and of everything reached through the group that it returns.
var (
	// ErrCorrupt marks a file that contradicts its own format: cut short, addresses
	// outside the file, sizes that do not agree.
	ErrCorrupt = errors.New("corrupt")

	// ErrUnsupported marks a file that may be sound HDF5 but uses a part of the format
	// that this package does not read. The message names the part.
	ErrUnsupported = errors.New("unsupported")

	// ErrNotFound marks a member or attribute that the group does not have.
	ErrNotFound = errors.New("not found")
)
