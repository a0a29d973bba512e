package versions

import (
	"cmp"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Latest chooses the version with the highest number that holds.
const Latest = "latest"

// Config says what there is and what is wanted of it. A zero field means its
// default.
type Config struct {
	// Source tells which versions there are. Required.
	Source Source

	// Loader loads them. Required.
	Loader Loader

	// Router routes calls to them. Required.
	Router Router

	// Default is the version that answers calls which name none: Latest, the
	// name of a folder, or a label. Default Latest.
	Default string

	// Labels are further names for versions: from label to Latest or the name
	// of a folder. Default: none.
	Labels map[string]string

	// Period is how often Source is looked at. Zero: only when asked to.
	Period time.Duration

	// MaxLoaded bounds the models in memory, those included that answer their
	// last calls, so that streams which never end can't fill it. At least 2: a
	// version is loaded beside the one it follows. Default 4.
	MaxLoaded int

	// Logger takes the log. Default: discards it.
	Logger *slog.Logger
}

// label is what labels look like: never like a folder's number.
var label = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

// Validate returns an error that names the field which is out of range, if any. Zero fields stand for
// their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Source == nil || c.Loader == nil || c.Router == nil:
		return fmt.Errorf("versions: Config.Source is %v, Loader %v, Router %v, expected all three", c.Source, c.Loader, c.Router)
	case c.Period < 0:
		return fmt.Errorf("versions: Config.Period is %v, expected 0 or more", c.Period)
	case c.MaxLoaded < 2:
		return fmt.Errorf("versions: Config.MaxLoaded is %d, expected at least 2: a version is loaded beside the one it follows", c.MaxLoaded)
	}
	for name := range c.Labels {
		if err := checkLabel(name); err != nil {
			return fmt.Errorf("versions: Config.Labels: %w", err)
		}
	}
	return nil
}

func checkLabel(name string) error {
	if name == Latest || !label.MatchString(name) {
		return fmt.Errorf("%w: received %.64q, expected a letter, then letters, digits, \"-\" and \"_\", at most 63 in all, and not %q",
			ErrLabel, name, Latest)
	}
	return nil
}

// withDefaults fills in the zero fields.
func (c Config) withDefaults() Config {
	c.Default = cmp.Or(c.Default, Latest)
	c.MaxLoaded = cmp.Or(c.MaxLoaded, 4)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
