package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/server"
	"siamese/server/access"
)

// securityFlags say who may call, how much, and whether others can read along.
type securityFlags struct {
	TLSCert     string `help:"Names the server's certificate, a PEM file; calls and page then speak TLS. Empty: plain text." name:"tls-cert" placeholder:"FILE"`
	TLSKey      string `help:"Names the certificate's private key, a PEM file." name:"tls-key" placeholder:"FILE"`
	TLSClientCA string `help:"Asks callers for a certificate by an authority in this PEM file. Empty: for none." name:"tls-client-ca" placeholder:"FILE"`
	Tokens      string `help:"Asks callers for a bearer token whose hash is in this file, as siamese token prints it. Empty: for none." placeholder:"FILE"`
	Insecure    bool   `help:"Lets calls in plain text come from other machines."`

	CredentialsPeriod time.Duration `help:"Sets how often to look for changed certificates, tokens and rights. 0: on SIGHUP only." default:"10s"`

	adminFlags

	CallerRate  float64 `help:"Limits the calls and stream messages a second of one caller. 0: no limit." default:"0"`
	CallerBurst int     `help:"Limits the calls that one caller may send at once after a silence. 0: those of a second." default:"0"`
	CallerCalls int     `help:"Limits the calls that one caller may have in flight. 0: no limit." default:"0"`
}

// security is what the files named by the flags say.
type security struct {
	callers   guard          // of the calls and the page
	operators guard          // of the admin service
	galleries *access.Rights // nil: every caller may do all
}

// guard is what a port shows its callers and what they have to show. A nil field
// is not asked for.
type guard struct {
	certificates *access.Certificates
	tokens       *access.Tokens
}

// openSecurity reads the files; rights names that of rights to galleries, if any.
func (f securityFlags) openSecurity(rights string) (s security, err error) {
	anyTLS := f.TLSCert != "" || f.TLSKey != "" || f.TLSClientCA != "" || f.AdminClientCA != ""
	if anyTLS && (f.TLSCert == "" || f.TLSKey == "") {
		return s, cli.Usage(errors.New("TLS needs a certificate and its key: give both --tls-cert and --tls-key"))
	}
	defer func() {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (siamese token NAME makes a token, scripts/make-certificates.sh certificates to try)", err)
		}
	}()
	if rights != "" {
		if s.galleries, err = access.OpenRights(rights); err != nil {
			return s, err
		}
	}
	files := access.CertificateFiles{Certificate: f.TLSCert, Key: f.TLSKey, ClientCA: f.TLSClientCA}
	if s.callers, err = openGuard(files, f.Tokens); err != nil || f.AdminAddr == "" {
		return s, err
	}
	// A caller of the model is not thereby allowed to change it.
	files.ClientCA = f.AdminClientCA
	s.operators, err = openGuard(files, f.AdminTokens)
	return s, err
}

// openGuard reads the files that are named.
func openGuard(files access.CertificateFiles, tokens string) (g guard, err error) {
	if files.Certificate != "" {
		if g.certificates, err = access.OpenCertificates(files); err != nil {
			return guard{}, err
		}
	}
	if tokens != "" {
		if g.tokens, err = access.OpenTokens(tokens); err != nil {
			return guard{}, err
		}
	}
	return g, nil
}

// sources are the files that can be reloaded.
func (g guard) sources() []access.Source {
	var sources []access.Source
	if g.certificates != nil {
		sources = append(sources, g.certificates)
	}
	if g.tokens != nil {
		sources = append(sources, g.tokens)
	}
	return sources
}

// secure puts them into a server's configuration.
func (s security) secure(config server.Config, flags securityFlags) server.Config {
	if s.callers.certificates != nil {
		config.TLS = s.callers.certificates.Config()
	}
	if s.callers.tokens != nil {
		config.Tokens = s.callers.tokens
	}
	if s.galleries != nil {
		config.GalleryRights = s.galleries
	}
	config.CallerLimits = access.Limits{
		CallsPerSecond: flags.CallerRate,
		Burst:          flags.CallerBurst,
		Calls:          flags.CallerCalls,
	}
	return config
}

// watch reloads the files as they change, and on SIGHUP, until the returned
// function has been called.
func (s security) watch(ctx context.Context, period time.Duration, logger *slog.Logger) (stop func()) {
	sources := slices.Concat(s.callers.sources(), s.operators.sources())
	if s.galleries != nil {
		sources = append(sources, s.galleries)
	}
	if held := s.callers.certificates; held != nil {
		logger.Info("certificate", "source", held.String(), "not_after", held.NotAfter())
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
	if f.TLSCert != "" || f.Insecure || dial.IsLocal(address) {
		return nil
	}
	return cli.Usage(fmt.Errorf("%s %s takes calls from other machines, and they would be in plain text: "+
		"give --tls-cert and --tls-key, keep to 127.0.0.1, or allow it by --insecure", flag, address))
}

// warn tells what was allowed by --insecure and had better not be.
func (f securityFlags) warn(logger *slog.Logger) {
	if f.Insecure && f.TLSCert == "" && f.Tokens != "" {
		logger.Warn("tokens go in plain text: anyone who reads along can use them")
	}
}
