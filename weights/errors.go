package weights

import (
	"errors"

	"siamese/weights/internal/hdf5"
)

// Errors of reading a file. The text around them says what was found and what is wanted.
// ErrCorrupt and ErrUnsupported are the same for both formats.
var (
	// ErrUnknownFormat marks a file that is neither safetensors nor HDF5.
	ErrUnknownFormat = errors.New("neither safetensors nor HDF5")

	// ErrCorrupt marks a file that contradicts its own format, such as one cut short.
	ErrCorrupt = hdf5.ErrCorrupt

	// ErrUnsupported marks a file that may be sound but holds something that this package
	// does not read: another number type, a compressed dataset, another network.
	ErrUnsupported = hdf5.ErrUnsupported
)

// ErrInvalid marks tensors that do not make a Set, or a Set that a format cannot hold.
var ErrInvalid = errors.New("invalid weights")
