package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"siamese/server"
	"siamese/server/access"
)

// securityFlags say who may call, how much, and whether others can read along.
type securityFlags struct {
	TLSCert     string `help:"The server's certificate, a PEM file; calls and page then speak TLS." name:"tls-cert" placeholder:"FILE"`
	TLSKey      string `help:"The certificate's private key, a PEM file." name:"tls-key" placeholder:"FILE"`
	TLSClientCA string `help:"Authorities of clients' certificates, a PEM file: clients need one." name:"tls-client-ca" placeholder:"FILE"`
	Tokens      string `help:"The hashes of bearer tokens, as siamese token prints them: callers need one." placeholder:"FILE"`
	Insecure    bool   `help:"Let calls in plain text come from other machines."`

	CredentialsPeriod time.Duration `help:"How often to look whether certificates and tokens have changed; 0: on SIGHUP only." default:"10s"`

	CallerRate  float64 `help:"Calls and stream messages a second that one caller may send; 0: no bound." default:"0"`
	CallerBurst int     `help:"Calls that one caller may send at once after a silence; 0: those of a second." default:"0"`
	CallerCalls int     `help:"Calls that one caller may have under way; 0: no bound." default:"0"`
}

// security is what the files named by the flags say. A nil field is not asked
// for.
type security struct {
	certificates *access.Certificates
	tokens       *access.Tokens
}

// openSecurity reads the files.
func (f securityFlags) openSecurity() (security, error) {
	var s security
	var err error
	if f.TLSCert != "" || f.TLSKey != "" || f.TLSClientCA != "" {
		if f.TLSCert == "" || f.TLSKey == "" {
			return security{}, usageError{errors.New("TLS needs a certificate and its key: give both --tls-cert and --tls-key")}
		}
		files := access.CertificateFiles{Certificate: f.TLSCert, Key: f.TLSKey, ClientCA: f.TLSClientCA}
		if s.certificates, err = access.OpenCertificates(files); err != nil {
			return security{}, err
		}
	}
	if f.Tokens != "" {
		if s.tokens, err = access.OpenTokens(f.Tokens); err != nil {
			return security{}, err
		}
	}
	return s, nil
}

// secure puts them into a server's configuration.
func (s security) secure(config server.Config, flags securityFlags) server.Config {
	if s.certificates != nil {
		config.TLS = s.certificates.Config()
	}
	if s.tokens != nil {
		config.Tokens = s.tokens
	}
	config.CallerLimits = access.Limits{
		CallsPerSecond: flags.CallerRate,
		Burst:          flags.CallerBurst,
		Calls:          flags.CallerCalls,
	}
	return config
}

// watch reloads the files as they change, and on SIGHUP, until the returned
// function has been called. Without such files SIGHUP ends the program, as ever.
func (s security) watch(ctx context.Context, period time.Duration, logger *slog.Logger) (stop func()) {
	var sources []access.Source
	if s.certificates != nil {
		logger.Info("certificate", "source", s.certificates.String(), "not_after", s.certificates.NotAfter())
		sources = append(sources, s.certificates)
	}
	if s.tokens != nil {
		sources = append(sources, s.tokens)
	}
	if len(sources) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	hangUp := make(chan os.Signal, 1) // 1: signals that come together are one
	signal.Notify(hangUp, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		access.Watch(ctx, period, hangUp, logger, sources...)
	}()
	return func() {
		cancel()
		<-done
		signal.Stop(hangUp)
	}
}

// checkPort refuses a port that takes calls in plain text from other machines,
// unless that was asked for.
func (f securityFlags) checkPort(flag string, address net.Addr) error {
	if f.TLSCert != "" || f.Insecure || isLoopback(address.String()) {
		return nil
	}
	return usageError{fmt.Errorf("%s %s takes calls from other machines, and they would be in plain text: "+
		"give --tls-cert and --tls-key, keep to 127.0.0.1, or allow it by --insecure", flag, address)}
}

// warn tells what was allowed by --insecure and had better not be.
func (f securityFlags) warn(logger *slog.Logger) {
	if f.Insecure && f.TLSCert == "" && f.Tokens != "" {
		logger.Warn("tokens go in plain text: whoever reads along can use them")
	}
}
