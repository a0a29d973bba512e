package embedded

import "errors"

// ErrVersion says that a later version of the program wrote a gallery's file.
var ErrVersion = errors.New("gallery: a later version wrote this file")
