package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"google.golang.org/grpc/resolver"
)

// DefaultPort is where siamese serve listens for gRPC where nothing else is said.
const DefaultPort = 50051

// Address is where a server is and how it is spoken to. It does not change once made.
type Address struct {
	target  string
	text    string // as it was written
	isTLS   bool
	isPlain bool // it says so
	isLocal bool
}

// schemes are what a URL may begin with: what it says of the transport, and the port
// that it means where it has none.
var schemes = map[string]struct {
	tls  bool
	port int
}{
	"http": {false, 80}, "https": {true, 443},
	"grpc": {false, DefaultPort}, "grpcs": {true, DefaultPort},
}

// expectedAddress ends errors about addresses.
const expectedAddress = "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path"

// ParseAddress reads the address of a server as people write it:
//
//   - host:port, or host, which means [DefaultPort]; an IPv6 address has brackets where
//     a port follows;
//   - http://host:port, which is plain text, and https://host:port, which is TLS; also
//     grpc:// and grpcs://. Where the port is missing it is the scheme's, 80, 443 or
//     [DefaultPort];
//   - unix:/path or unix:path, a socket of this machine;
//   - any other target of grpc.NewClient whose scheme is registered, such as
//     dns:///host:port.
//
// A slash at the end is taken off; a path, a user and a query are refused. The error
// says what to write.
func ParseAddress(text string) (Address, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return Address{}, errors.New("received no address of a server, " + expectedAddress)
	}
	scheme, rest, hasScheme := strings.Cut(trimmed, ":")
	lower := strings.ToLower(scheme)
	switch known, isURL := schemes[lower]; {
	case strings.HasPrefix(trimmed, "/") || strings.HasPrefix(trimmed, "./"):
		return Address{}, fmt.Errorf("received the path %.120q, expected unix:PATH for a socket", trimmed)
	case !hasScheme:
	case lower == "unix":
		return parseUnix(rest)
	case isURL && strings.HasPrefix(rest, "//"):
		a, err := parseHost(strings.TrimPrefix(rest, "//"), known.port)
		a.text, a.isTLS, a.isPlain = trimmed, known.tls, !known.tls
		return a, err
	case resolver.Get(lower) != nil:
		return Address{target: trimmed, text: trimmed}, nil
	case strings.HasPrefix(rest, "//"):
		return Address{}, fmt.Errorf("received an address that begins with %.32q, %s", scheme+"://", expectedAddress)
	}
	a, err := parseHost(trimmed, DefaultPort)
	a.text = trimmed
	return a, err
}

// parseUnix reads what follows unix: in an address.
func parseUnix(path string) (Address, error) {
	if strings.HasPrefix(path, "//") {
		path = strings.TrimPrefix(path, "//")
		if !strings.HasPrefix(path, "/") {
			return Address{}, fmt.Errorf("received the address %q, expected unix:///absolute/path or unix:path", "unix://"+path)
		}
	}
	switch {
	case strings.Trim(path, "/") == "":
		return Address{}, errors.New("received the address unix: without a path, expected unix:/path")
	case len(path) > MaxSocketPath:
		return Address{}, fmt.Errorf("received a socket's path of %d bytes, expected at most %d, which is the system's limit", len(path), MaxSocketPath)
	}
	return Address{target: "unix:" + path, text: "unix:" + path, isLocal: true}, nil
}

// MaxSocketPath is how many bytes the path of a unix socket may have.
const MaxSocketPath = 107

// parseHost reads host, host:port or either with a slash behind it.
func parseHost(text string, port int) (Address, error) {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return Address{}, errors.New("received an address with a user in it, " + expectedAddress + "; a token goes by --token-file")
	}
	text = strings.TrimSuffix(text, "/")
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		return Address{}, fmt.Errorf("received the address %.64q with %.32q behind the port, %s", text, text[i:], expectedAddress)
	}
	host, port, err := splitHost(text, port)
	if err != nil {
		return Address{}, err
	}
	ip, notIP := netip.ParseAddr(host)
	return Address{
		target:  net.JoinHostPort(host, strconv.Itoa(port)),
		isLocal: strings.EqualFold(host, "localhost") || notIP == nil && ip.Unmap().IsLoopback(),
	}, nil
}

// splitHost splits host:port; port is what stands for a missing one.
func splitHost(text string, port int) (string, int, error) {
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil && !strings.ContainsAny(bare, "[]") { // a zone may have any
		return ip.String(), port, nil
	}
	host, after := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, after = text[:i], text[i+1:]
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	} else if strings.ContainsRune(host, ':') {
		return "", 0, fmt.Errorf("received the address %.64q, expected an IPv6 address in brackets, as in [::1]:%d", text, DefaultPort)
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n[]\"'") {
		return "", 0, fmt.Errorf("received the address %.64q, %s", text, expectedAddress)
	}
	if after == "" {
		return host, port, nil
	}
	number, err := strconv.ParseUint(after, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("received port %.32q in the address %.64q, expected a number from 1 to 65535", after, text)
	}
	return host, int(number), nil
}

// String returns the address as it was written.
func (a Address) String() string { return a.text }

// Target returns the address as grpc.NewClient takes it.
func (a Address) Target() string { return a.target }

// IsTLS reports whether the address asks for TLS.
func (a Address) IsTLS() bool { return a.isTLS }

// IsPlain reports whether the address asks for plain text, as http:// does. Where it
// asks for neither, that is for its user to say.
func (a Address) IsPlain() bool { return a.isPlain }

// IsLocal reports whether what is sent to the address stays on this machine: it is a
// loopback address, localhost or a unix socket.
func (a Address) IsLocal() bool { return a.isLocal }
