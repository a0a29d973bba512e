package client

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"
)

const (
	// maxWindow bounds the frames that a Live holds; servers grant 8 by default.
	maxWindow = 64

	// maxReferences bounds the references that a Live holds while no server is
	// there to refuse them; servers hold 16 a stream by default.
	maxReferences = 256

	// maxReferenceName is the contract's longest name, in bytes.
	maxReferenceName = 256

	// maxReferenceBytes is the largest image that fits a message with its name
	// and tags. A server may take less: then the answer says so.
	maxReferenceBytes = maxMessageBytes - 1<<10
)

// LiveConfig says how a Live is run. A zero field means its default.
type LiveConfig struct {
	// References to begin with, in the order in which scores are to come. May be
	// empty; Live.SetReference adds more.
	References []Reference

	// Window is how many frames may be in flight at once, at most 64; the server
	// may grant fewer. Each is one encode of lag. Default 2: while one is encoded
	// the next is on its way.
	Window int

	// Model is the model that is to answer, as in Options. Empty: the server's
	// default. One that is not served shows as MODEL_NOT_FOUND in the updates, and is
	// asked for again MaxBackoff apart.
	Model string

	// Threshold is the similarity, 0 to 1, from which the verdict is "same". Nil:
	// the model's own.
	Threshold *float32

	// TestTimeViews is how many views of a frame are scored, as in Options. What the
	// server refuses of it shows in the updates, and is asked for again MaxBackoff apart.
	TestTimeViews uint32

	// MinBackoff and MaxBackoff bound the pause before a new stream is opened: it
	// begins at the first, doubles with each failure, and is shortened by up to
	// half at random. What the server asks to wait, at most MaxBackoff, is
	// added. Defaults 250 ms and 5 s.
	MinBackoff, MaxBackoff time.Duration

	// AnswerTimeout is how long the server may owe an answer, that to the
	// opening included, before the stream is given up: a network that is gone
	// gives no error for a quarter of an hour. Default 30 s.
	AnswerTimeout time.Duration

	// Logger takes the log: streams at Info and Warn, frames at Debug. Nil: none.
	Logger *slog.Logger
}

// Validate tells which field is out of range, if any is. Zero fields stand for
// their defaults.
func (c LiveConfig) Validate() error {
	c = c.withDefaults()
	switch {
	case c.Window < 0 || c.Window > maxWindow:
		return fmt.Errorf("client: LiveConfig.Window is %d, expected 0 (the default) to %d", c.Window, maxWindow)
	case c.Threshold != nil && !(*c.Threshold >= 0 && *c.Threshold <= 1): // so that NaN is refused
		return fmt.Errorf("client: LiveConfig.Threshold is %v, expected 0 to 1", *c.Threshold)
	case c.MinBackoff < 0:
		return fmt.Errorf("client: LiveConfig.MinBackoff is %v, expected 0 (the default) or more", c.MinBackoff)
	case c.MaxBackoff < c.MinBackoff:
		return fmt.Errorf("client: LiveConfig.MaxBackoff is %v, expected at least MinBackoff, %v", c.MaxBackoff, c.MinBackoff)
	case c.AnswerTimeout < 0:
		return fmt.Errorf("client: LiveConfig.AnswerTimeout is %v, expected 0 (the default) or more", c.AnswerTimeout)
	case len(c.References) > maxReferences:
		return fmt.Errorf("client: LiveConfig.References has %d, expected at most %d", len(c.References), maxReferences)
	}
	return c.validateReferences()
}

func (c LiveConfig) validateReferences() error {
	seen := make(map[string]int)
	for i, reference := range c.References {
		if err := reference.validate(); err != nil {
			return fmt.Errorf("client: LiveConfig.References[%d]: %w", i, err)
		}
		if first, ok := seen[reference.Name]; ok {
			return fmt.Errorf("client: LiveConfig.References[%d] has the name %q of References[%d], expected one of its own", i, reference.Name, first)
		}
		seen[reference.Name] = i
	}
	return nil
}

// withDefaults fills in the zero fields.
func (c LiveConfig) withDefaults() LiveConfig {
	c.Window = cmp.Or(c.Window, 2)
	c.MinBackoff = cmp.Or(c.MinBackoff, 250*time.Millisecond)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, max(5*time.Second, c.MinBackoff))
	c.AnswerTimeout = cmp.Or(c.AnswerTimeout, 30*time.Second)
	if c.Threshold != nil {
		threshold := *c.Threshold // the caller's own may change
		c.Threshold = &threshold
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Reference is an image to score frames against.
type Reference struct {
	// Name tells it from others, 1 to 256 bytes of UTF-8.
	Name string
	// Image is an encoded file (JPEG, PNG, WebP, GIF, BMP or TIFF). It must not
	// be changed once it was handed over.
	Image []byte
}

// validate checks what needs no server.
func (r Reference) validate() error {
	switch {
	case len(r.Name) < 1 || len(r.Name) > maxReferenceName:
		return fmt.Errorf("received a name of %d bytes, expected 1 to %d", len(r.Name), maxReferenceName)
	case !utf8.ValidString(r.Name):
		return fmt.Errorf("received the name %q, expected UTF-8", r.Name)
	case len(r.Image) == 0:
		return errors.New("received an image of 0 bytes, expected an encoded file")
	case len(r.Image) > maxReferenceBytes:
		return fmt.Errorf("received an image of %d bytes, expected at most %d", len(r.Image), maxReferenceBytes)
	}
	return nil
}
