package versions

import (
	"errors"
	"fmt"
)

// What the manager's methods refuse; the texts say which version and why.
var (
	// ErrNotFound says that there is no such version or label.
	ErrNotFound = errors.New("no such version")

	// ErrRefused says that a version was loaded and found wanting.
	ErrRefused = errors.New("does not hold")

	// ErrTransient is wrapped by a [Loader]'s error that says nothing about the
	// version: something was lacking that may be there again later, such as file
	// descriptors. The version is tried again.
	ErrTransient = errors.New("not to be had for now")

	// ErrInUse says that a version or label can't go, since calls are routed by
	// it.
	ErrInUse = errors.New("in use")

	// ErrTooMany says that no further model may be in memory now.
	ErrTooMany = errors.New("too many versions in memory")

	// ErrLabel says that a word can't be a label.
	ErrLabel = errors.New("no label")
)

// joined is errors.Join on one line: it ends up in a log, a status and on
// standard error.
func joined(errs []error) error {
	var all error
	for _, err := range errs {
		if all == nil {
			all = err
		} else {
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}
