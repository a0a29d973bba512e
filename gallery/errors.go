package gallery

import "errors"

// Errors of stores.
var (
	// ErrNotFound says that there is no gallery of the name.
	ErrNotFound = errors.New("gallery: there is no such gallery")

	// ErrExists says that there is a gallery of the name already.
	ErrExists = errors.New("gallery: there is a gallery of this name already")

	// ErrDamaged says that what the store reads is not what it wrote.
	ErrDamaged = errors.New("gallery: the store is damaged")

	// ErrInUse says that another process has the store open.
	ErrInUse = errors.New("gallery: the store is in use by another process")

	// ErrUnavailable says that what the store is on can't be reached now, as a database
	// that is down; a change may have been made or not.
	ErrUnavailable = errors.New("gallery: the store can't be reached")

	// ErrClosed says that the store has been closed.
	ErrClosed = errors.New("gallery: the store is closed")
)

// ErrSample says that no metric can be learnt from a sample of embeddings: it is too small,
// or its pairs' similarities tell nothing.
var ErrSample = errors.New("gallery: the sample tells no metric")
