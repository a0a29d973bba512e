package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
)

// setting is a flag and its value: that of the command line, the environment, the file
// of --config, or the default.
type setting struct {
	key      string // by which --config takes it
	variable string // of the environment
	value    any    // as JSON and the log have it
	isSecret bool   // value does not show all of it
}

// settings lists the flags of the command in the order of its help.
func settings(parsed *kong.Context) []setting {
	var all []setting
	for _, flag := range parsed.Selected().Flags {
		if flag.Name == "help" || flag.Name == "print-config" {
			continue
		}
		s := setting{key: strings.ReplaceAll(flag.Name, "-", "_")}
		if len(flag.Envs) > 0 {
			s.variable = flag.Envs[0]
		}
		s.value, s.isSecret = shown(flag.Target.Interface())
		all = append(all, s)
	}
	return all
}

// shown is a flag's value as --config takes it, without what may be secret.
func shown(value any) (shown any, isSecret bool) {
	switch v := value.(type) {
	case time.Duration:
		return v.String(), false
	case galleries.Location:
		return v.String(), v.String() != string(v)
	case cli.URL:
		return v.String(), v.String() != string(v)
	case []cli.URL:
		texts := []string{}
		for _, u := range v {
			texts = append(texts, u.String())
			isSecret = isSecret || u.String() != string(u)
		}
		return texts, isSecret
	case []string:
		return append([]string{}, v...), false // [] and not null, which is no value
	case map[string]string:
		if v == nil {
			return map[string]string{}, false
		}
	}
	return value, false
}

// printConfig prints the configuration as JSON that --config takes. What may be secret
// is left out, and standard error says so.
func printConfig(parsed *kong.Context, s cli.Streams) error {
	var text bytes.Buffer
	text.WriteString("{")
	separator := "\n"
	for _, setting := range settings(parsed) {
		if setting.isSecret {
			fmt.Fprintf(s.Err, "%s is left out, since it may hold a secret: give it by %s\n", setting.key, setting.variable)
			continue
		}
		value, err := json.Marshal(setting.value)
		if err != nil {
			return fmt.Errorf("--print-config: %s: %w", setting.key, err)
		}
		fmt.Fprintf(&text, "%s  %q: %s", separator, setting.key, value)
		separator = ",\n"
	}
	text.WriteString("\n}\n")
	_, err := s.Out.Write(text.Bytes())
	return err
}

// logConfig logs the configuration at level debug.
func logConfig(ctx context.Context, parsed *kong.Context, logger *slog.Logger) {
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	var attrs []slog.Attr
	for _, setting := range settings(parsed) {
		attrs = append(attrs, slog.Any(setting.key, setting.value))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "configuration", attrs...)
}

// logStart is the first line of the log, and a short one.
func (c *Command) logStart(logger *slog.Logger) {
	attrs := []any{"version", cli.Version, "device", c.Device, "addr", c.Addr}
	for _, port := range []struct{ key, address string }{
		{"http_addr", c.HTTPAddr}, {"health_addr", c.HealthAddr}, {"admin_addr", c.AdminAddr},
	} {
		if port.address != "" {
			attrs = append(attrs, port.key, port.address)
		}
	}
	logger.Info("starting", attrs...)
}

// logger writes the log as the flags say. Durations are written as flags take them,
// "5s": by itself JSON has nanoseconds.
func (c *Command) logger(s cli.Streams) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Value.Kind() == slog.KindDuration {
			attr.Value = slog.StringValue(attr.Value.Duration().String())
		}
		return attr
	}}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.Err, options))
	}
	return slog.New(slog.NewTextHandler(s.Err, options))
}
