package gallery

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what callers name.
const (
	MaxIDBytes            = 256  // of an entry's id, and of a thing
	MaxMetadataKeys       = 32   // of an entry
	MaxMetadataKeyBytes   = 64   // of one key
	MaxMetadataValueBytes = 1024 // of one value
	MaxMetadataBytes      = 8192 // of all keys and values
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// CheckName returns an error that says what was expected of a gallery's name, if it
// can't be one.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("received a gallery's name of %d bytes, %q, expected 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit", len(name), excerpt(name))
	}
	return nil
}

// CheckID is CheckName of an entry's id.
func CheckID(id string) error {
	if id == "" {
		return fmt.Errorf("received an empty id, expected 1 to %d bytes", MaxIDBytes)
	}
	return checkText("an id", id, MaxIDBytes)
}

// CheckThing is CheckName of a thing; empty is one.
func CheckThing(thing string) error { return checkText("a thing", thing, MaxIDBytes) }

// CheckMetadata is CheckName of an entry's metadata.
func CheckMetadata(metadata map[string]string) error {
	if len(metadata) > MaxMetadataKeys {
		return fmt.Errorf("received %d keys of metadata, expected at most %d", len(metadata), MaxMetadataKeys)
	}
	size := 0
	for key, value := range metadata {
		if key == "" {
			return fmt.Errorf("received an empty key of metadata, expected 1 to %d bytes", MaxMetadataKeyBytes)
		}
		if err := checkText("a key of metadata", key, MaxMetadataKeyBytes); err != nil {
			return err
		}
		if err := checkText("metadata", value, MaxMetadataValueBytes); err != nil {
			return err
		}
		size += len(key) + len(value)
	}
	if size > MaxMetadataBytes {
		return fmt.Errorf("received metadata of %d bytes, expected at most %d", size, MaxMetadataBytes)
	}
	return nil
}

func checkText(what, text string, most int) error {
	switch {
	case len(text) > most:
		return fmt.Errorf("received %s of %d bytes, %q…, expected at most %d", what, len(text), excerpt(text), most)
	case !utf8.ValidString(text):
		return fmt.Errorf("received %s that is no UTF-8: %q", what, excerpt(text))
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("received %s with a control character: %q", what, excerpt(text))
	}
	return nil
}

// excerpt keeps messages short.
func excerpt(text string) string {
	const most = 32
	if len(text) > most {
		return text[:most]
	}
	return text
}
