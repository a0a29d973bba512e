package admin

import (
	"context"
	"log/slog"
	"net"
	"slices"

	"google.golang.org/grpc/status"

	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

// Repository loads and unloads versions for callers of the server's own ports who prove
// to be operators: by a token that the admin service takes too, which must have come by
// TLS or from this machine. It is safe for concurrent use.
type Repository struct {
	handlers handlers
	tokens   admission.Tokens // nil: there is no proof
	log      *slog.Logger
}

// NewRepository returns a repository of models, as [New] takes them; of cfg it takes
// Tokens, without which nobody may call, and Logger.
func NewRepository(models []Model, base string, cfg Config) *Repository {
	r := &Repository{handlers: handlers{models: slices.Clone(models), base: base}, tokens: cfg.Tokens, log: cfg.Logger}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r
}

// Load loads a version of a model and keeps it; an empty one looks for new versions now.
// Errors: statuses.
func (r *Repository) Load(ctx context.Context, model, version string) error {
	return r.change(ctx, "load", model, version, func(found Model) error {
		if version == "" {
			return found.Versions.Reload(ctx)
		}
		_, err := found.Versions.Load(ctx, version)
		return err
	})
}

// Unload lets go of a version of a model, which must be named. Errors: statuses.
func (r *Repository) Unload(ctx context.Context, model, version string) error {
	return r.change(ctx, "unload", model, version, func(found Model) error {
		if version == "" {
			return errVersionUnset
		}
		_, err := found.Versions.Unload(ctx, version)
		return err
	})
}

// change does something to a model for an operator, and logs it.
func (r *Repository) change(ctx context.Context, what, model, version string, do func(Model) error) error {
	caller, err := r.operator(ctx)
	if err != nil {
		return err
	}
	found, err := r.handlers.find(model)
	if err == nil {
		err = do(found)
	}
	if err != nil {
		err = statusOf(err)
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "repository call",
		slog.String("change", what), slog.String("model", fault.Quote(model)), slog.String("version", fault.Quote(version)),
		slog.String("code", status.Code(err).String()), slog.String("caller", caller))
	return err
}

// operator names the caller, who must be an operator.
func (r *Repository) operator(ctx context.Context) (string, error) {
	shown := admission.IdentityOf(ctx)
	switch {
	case r.tokens == nil:
		return "", fault.NotOperator("the admin service asks for no token, so that operators can't be told from others here: expected siamese serve with --admin-tokens, or the call at --admin-addr")
	case shown.TLS == nil && !isLocal(shown.Address):
		return "", fault.NotOperator("received a call in plain text from another machine, expected TLS, so that nobody can read the operator's token along")
	}
	caller, err := shown.Caller(r.tokens)
	if err != nil {
		// Not above debug: anybody calls here, and could fill the log.
		r.log.LogAttrs(ctx, slog.LevelDebug, "repository call without an operator's token", slog.String("caller", shown.AddressName()))
		return "", fault.NotOperator("received no token that the admin service takes (--admin-tokens), expected one in the header authorization")
	}
	return caller, nil
}

// isLocal reports whether a call from an address came from this machine: by loopback, or
// by a socket in the file system, whose callers have no IP address.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
