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
	AdminAddr     string `help:"Serves siamese.admin.v1.AdminService, which loads, unloads and rolls back, at this address. Beyond loopback it speaks TLS by --tls-cert, and needs --admin-client-ca or --admin-tokens, unless --admin-insecure. Empty: nowhere." name:"admin-addr" placeholder:"ADDR"`
	AdminClientCA string `help:"Asks callers of the admin service for a certificate, on loopback too, by an authority in this PEM file. Empty: for none." name:"admin-client-ca" placeholder:"FILE"`
	AdminTokens   string `help:"Asks callers of the admin service for a bearer token, on loopback too, whose hash is in this file, as siamese token prints it. Empty: for none." placeholder:"FILE"`
	AdminInsecure bool   `help:"Lets other machines call the admin service without any of this."`
}

// listenAdmin takes the port. Other machines are let in only where they prove
// who they are and nobody can read along, unless that was asked for.
func (f securityFlags) listenAdmin(ctx context.Context) (net.Listener, error) {
	listener, err := listen(ctx, "--admin-addr", f.AdminAddr)
	if err != nil {
		return nil, err
	}
	proven := f.TLSCert != "" && (f.AdminClientCA != "" || f.AdminTokens != "")
	if proven || f.AdminInsecure || dial.IsLocal(listener.Addr()) {
		return listener, nil
	}
	err = fmt.Errorf("--admin-addr %s lets other machines change what is served: give --tls-cert and --tls-key with --admin-client-ca or --admin-tokens, "+
		"keep to 127.0.0.1, or allow it by --admin-insecure", listener.Addr())
	return nil, cli.Usage(errors.Join(err, listener.Close()))
}

// adminConfig is what the admin service at address asks of its callers. On
// loopback it is plain text, unless operators' certificates are asked for, which need
// TLS: a caller on this machine needs no proof of which machine answers.
func (f securityFlags) adminConfig(address net.Addr, operators guard, logger *slog.Logger) admin.Config {
	local := dial.IsLocal(address)
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
		logger.Warn("anyone who reaches the admin service can change what is served", "address", address.String())
	case config.TLS == nil:
		logger.Warn("operators' tokens go in plain text: anyone who reads along can use them", "address", address.String())
	}
	return config
}
