// Package dial has the flags by which a command is told how to speak with a
// server: TLS, a certificate of its own, a bearer token.
package dial

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"

	"siamese/client"
)

// Flags say how a server is spoken to, for kong. The zero value is plain text
// without token.
type Flags struct {
	TLS       bool   `help:"Speaks TLS with the server; any of the next three asks for it too." name:"tls"`
	TLSCA     string `help:"Names the authorities of the server's certificate, a PEM file. Empty: the system's." name:"tls-ca" placeholder:"FILE"`
	TLSCert   string `help:"Names this client's certificate, a PEM file. Empty: none is shown." name:"tls-cert" placeholder:"FILE"`
	TLSKey    string `help:"Names the certificate's private key, a PEM file." name:"tls-key" placeholder:"FILE"`
	TokenFile string `help:"Names a file with the bearer token to show, as siamese token --out writes it. Empty: none is shown." placeholder:"FILE"`
}

// FlagError is a set of flags that contradict each other or would leak a secret.
type FlagError struct{ message string }

// Error implements error.
func (e *FlagError) Error() string { return e.message }

// Options are how gRPC is to connect to a server at an address as client.ParseAddress
// reads it. Files are read now. Errors: *[FlagError], and what is wrong with a file.
func (f Flags) Options(server string) ([]grpc.DialOption, error) {
	address, err := client.ParseAddress(server)
	if err != nil {
		return nil, &FlagError{"--server: " + err.Error()}
	}
	if f.secured() && address.IsPlain() {
		return nil, &FlagError{fmt.Sprintf("--server %s means plain text, and --tls, --tls-ca, --tls-cert and --tls-key mean TLS: write https://, or leave them out", server)}
	}
	var options []grpc.DialOption
	secured := f.secured() || address.IsTLS()
	if secured {
		config, err := f.config()
		if err != nil {
			return nil, err
		}
		options = append(options, client.WithTLS(config))
	}
	if f.TokenFile == "" {
		return options, nil
	}
	if !secured && !address.IsLocal() {
		return nil, &FlagError{fmt.Sprintf("--token-file with server %s: the token would go in plain text to another machine, expected --tls or https://", server)}
	}
	token, err := f.token()
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	return append(options, client.WithToken(token)), nil
}

// secured reports whether a flag asks for TLS.
func (f Flags) secured() bool {
	return f.TLS || f.TLSCA != "" || f.TLSCert != "" || f.TLSKey != ""
}

// config is the client's side of TLS.
func (f Flags) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.TLSCA != "" {
		authorities, err := os.ReadFile(f.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("--tls-ca: received no certificate in %s, expected at least one in PEM", f.TLSCA)
		}
	}
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return nil, &FlagError{"a client's certificate needs its key: give both --tls-cert and --tls-key"}
	}
	if f.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// token reads the token, which no error repeats.
func (f Flags) token() (string, error) {
	text, err := os.ReadFile(f.TokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("received %d bytes in %s, expected one token and nothing else", len(text), f.TokenFile)
	}
	return token, nil
}

// IsLocal reports whether a port at this address is reached from this machine alone: it
// is at a loopback address, or a unix socket.
func IsLocal(address net.Addr) bool {
	return address.Network() == "unix" || IsLoopback(address.String())
}

// IsLoopback reports whether what is sent to an address, host:port or host, stays
// on this machine. A name other than localhost does not count.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Unreached is an error of a call with the server that it was for. Where nobody listens
// there it says how to start one.
func Unreached(server string, err error) error {
	if strings.Contains(err.Error(), "connect: connection refused") || strings.Contains(err.Error(), "connect: no such file or directory") {
		return fmt.Errorf("server %s: %w (nobody listens there: siamese serve --addr %s starts a server)", server, err, server)
	}
	return fmt.Errorf("server %s: %w", server, err)
}
