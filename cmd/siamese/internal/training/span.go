package training

import (
	"fmt"
	"time"
)

// span is a time as people write it, in flags and in config.json: 8m0s.
type span time.Duration

func (s span) String() string { return time.Duration(s).String() }

// MarshalText writes the time.
func (s span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a time, 0 or more.
func (s *span) UnmarshalText(text []byte) error {
	read, err := time.ParseDuration(string(text))
	if err == nil && read < 0 {
		err = fmt.Errorf("received %v, expected 0 or more", read)
	}
	*s = span(read)
	return err
}
