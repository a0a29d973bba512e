package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/server/admin"
)

// adminFlags say where the admin service is, and who may call it.
type adminFlags struct {
	AdminAddr     string `help:"Where to offer siamese.admin.v1.AdminService, which loads, unloads and rolls back; empty: nowhere. Beyond loopback it speaks TLS by --tls-cert, and needs --admin-client-ca or --admin-tokens, unless --admin-insecure." name:"admin-addr" placeholder:"ADDR"`
	AdminClientCA string `help:"Authorities of operators' certificates, a PEM file: callers of the admin service need one, on loopback too." name:"admin-client-ca" placeholder:"FILE"`
	AdminTokens   string `help:"The hashes of operators' bearer tokens, as siamese token prints them: callers of the admin service need one, on loopback too." placeholder:"FILE"`
	AdminInsecure bool   `help:"Let other machines call the admin service without any of this."`
}

// listenAdmin takes the port. Other machines are let in only where they prove
// who they are and nobody can read along, unless that was asked for.
func (f securityFlags) listenAdmin(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", f.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("--admin-addr: %w", err)
	}
	proven := f.TLSCert != "" && (f.AdminClientCA != "" || f.AdminTokens != "")
	if proven || f.AdminInsecure || dial.IsLoopback(listener.Addr().String()) {
		return listener, nil
	}
	err = fmt.Errorf("--admin-addr %s lets other machines change what is served: give --tls-cert and --tls-key with --admin-client-ca or --admin-tokens, "+
		"keep to 127.0.0.1, or allow it by --admin-insecure", listener.Addr())
	return nil, cli.Usage(errors.Join(err, listener.Close()))
}

// adminConfig is what the admin service at address asks of its callers. On
// loopback it is plain text, as whoever is there needs no authority's word on
// where he is, unless clients' certificates are asked for, which need TLS.
func (f securityFlags) adminConfig(address net.Addr, operators guard, logger *slog.Logger) admin.Config {
	local := dial.IsLoopback(address.String())
	config := admin.Config{Logger: logger}
	if operators.certificates != nil && (!local || f.AdminClientCA != "") {
		config.TLS = operators.certificates.Config()
	}
	if operators.tokens != nil {
		config.Tokens = operators.tokens
	}
	switch {
	case local:
	case config.Tokens == nil && f.AdminClientCA == "":
		logger.Warn("whoever reaches the admin service can change what is served", "address", address.String())
	case config.TLS == nil:
		logger.Warn("operators' tokens go in plain text: whoever reads along can use them", "address", address.String())
	}
	return config
}
