package fault

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuoted is how many bytes of what was received an error quotes: a caller that
// sends megabytes gets no megabytes back.
const maxQuoted = 64

// Quote quotes what was received, in Go's syntax; of more than 64 bytes the
// beginning, and how many there were.
func Quote(received string) string {
	head := clip(received, maxQuoted)
	if len(head) == len(received) {
		return strconv.Quote(received)
	}
	return fmt.Sprintf("%q… (%d bytes)", head, len(received))
}

// ClipQuoting shortens the message of another package's error that quotes what was
// received at its end: after its first quotation mark, or else its last colon.
func ClipQuoting(message string) string {
	const longestHead = 160 // of what such packages say themselves
	head := clip(message, longestHead)
	begins := strings.IndexByte(head, '"')
	if begins < 0 {
		begins = strings.LastIndex(head, ": ") + 1
	}
	head = clip(message, begins+1+maxQuoted)
	if len(head) == len(message) {
		return message
	}
	return fmt.Sprintf("%s… (%d bytes)", head, len(message))
}

// clip returns the first bytes of a text, at most limit, that are whole runes.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
