package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// dialFlags say how a server is spoken to.
type dialFlags struct {
	TLS       bool   `help:"Speak TLS with the server; any of the next three asks for it too." name:"tls"`
	TLSCA     string `help:"Authorities of the server's certificate, a PEM file. Default: the system's." name:"tls-ca" placeholder:"FILE"`
	TLSCert   string `help:"This client's certificate, a PEM file." name:"tls-cert" placeholder:"FILE"`
	TLSKey    string `help:"The certificate's private key, a PEM file." name:"tls-key" placeholder:"FILE"`
	TokenFile string `help:"A file with the bearer token to show, as siamese token --out writes it." placeholder:"FILE"`
}

// dialOptions are how gRPC is to connect to server.
func (f dialFlags) dialOptions(server string) ([]grpc.DialOption, error) {
	var options []grpc.DialOption
	secured := f.TLS || f.TLSCA != "" || f.TLSCert != "" || f.TLSKey != ""
	if secured {
		config, err := f.config()
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	}
	if f.TokenFile == "" {
		return options, nil
	}
	if !secured && !isLoopback(server) {
		return nil, usageError{fmt.Errorf("--token-file with --server %s: the token would go in plain text to another machine, expected --tls", server)}
	}
	text, err := os.ReadFile(f.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("--token-file: received %d bytes in %s, expected one token and nothing else", len(text), f.TokenFile)
	}
	return append(options, grpc.WithPerRPCCredentials(bearerToken(token))), nil
}

// config is the client's side of TLS.
func (f dialFlags) config() (*tls.Config, error) {
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
		return nil, usageError{errors.New("a client's certificate needs its key: give both --tls-cert and --tls-key")}
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

// bearerToken shows a token with each call.
type bearerToken string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: what a
// token may go through was decided before it was read.
func (bearerToken) RequireTransportSecurity() bool { return false }

// isLoopback tells whether an address, host:port, is this machine's alone.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
