package cli

import (
	"net/url"
	"regexp"
)

// URL is a URL of the command line, which may have a secret in it: printed and
// logged it shows none.
type URL string

// hidden stands in for what may be a secret.
const hidden = "xxxxx"

// address is a host and a port, which many take for a URL.
var address = regexp.MustCompile(`^[a-zA-Z0-9.-]+:[0-9]{1,5}$`)

// String returns the URL without user, password, query and fragment; what is neither a
// URL nor a host and a port is not shown at all.
func (u URL) String() string {
	if u == "" || address.MatchString(string(u)) {
		return string(u)
	}
	parsed, err := url.Parse(string(u))
	if err != nil || parsed.Host == "" {
		return hidden // a secret may be anywhere in it
	}
	if parsed.User != nil {
		parsed.User = url.User(hidden)
	}
	if parsed.RawQuery != "" {
		parsed.RawQuery = hidden
	}
	if parsed.Fragment != "" {
		parsed.Fragment, parsed.RawFragment = hidden, ""
	}
	return parsed.String()
}

// GoString returns what String does, for %#v.
func (u URL) GoString() string { return u.String() }
