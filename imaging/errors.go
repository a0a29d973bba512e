package imaging

import "fmt"

// Reason names why an image was refused. The strings are part of the service's
// contract: they reach clients unchanged, so they are never renamed.
type Reason string

// The reasons, in the order in which an image is checked.
const (
	// ReasonEmpty: no bytes at all.
	ReasonEmpty Reason = "IMAGE_EMPTY"
	// ReasonTooLarge: more encoded bytes than Limits.MaxBytes.
	ReasonTooLarge Reason = "IMAGE_TOO_LARGE"
	// ReasonFormatUnknown: the first bytes are of no format in Formats.
	ReasonFormatUnknown Reason = "IMAGE_FORMAT_UNKNOWN"
	// ReasonTooManyPixels: the header declares more pixels than Limits.MaxPixels.
	ReasonTooManyPixels Reason = "IMAGE_TOO_MANY_PIXELS"
	// ReasonTooCostly: decoding would take more memory than Limits.MaxDecodeBytes, or
	// more work than any encoder makes for an image of Limits.MaxPixels.
	ReasonTooCostly Reason = "IMAGE_TOO_COSTLY"
	// ReasonShape: a side below Limits.MinSide, or sides further apart than Limits.MaxSideRatio.
	ReasonShape Reason = "IMAGE_SHAPE"
	// ReasonRawLength: raw pixels whose number of bytes or of channels does not fit.
	ReasonRawLength Reason = "IMAGE_RAW_LENGTH"
	// ReasonUndecodable: truncated, corrupt, or a variant of the format that is not supported.
	ReasonUndecodable Reason = "IMAGE_UNDECODABLE"
)

// Error is the only error type that preparing an image returns. It always
// describes the caller's image, never a fault of this program, and its message
// holds no image data beyond the first few bytes: both may be sent to clients.
type Error struct {
	Reason  Reason
	Message string // lower case; says what was received and what was expected
}

// Error joins reason and message.
func (e *Error) Error() string {
	return string(e.Reason) + ": " + e.Message
}

// Is matches any *Error of the same reason whose message is empty or equal, so
// that errors.Is(err, &Error{Reason: ReasonShape}) asks for the reason alone.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Reason == e.Reason && (other.Message == "" || other.Message == e.Message)
}

// refuse builds an *Error from a format string.
func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// undecodable reports a decoder's complaint about data of the given format.
func undecodable(format Format, cause any) *Error {
	return refuse(ReasonUndecodable, "received %s data that is truncated, corrupt or of an unsupported variant: %v; expected a complete image", format, cause)
}
