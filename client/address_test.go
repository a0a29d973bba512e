package client_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/client"
)

func TestParseAddress(t *testing.T) {
	type want struct {
		Target            string
		TLS, Plain, Local bool
	}
	tests := map[string]want{
		"localhost:50051":              {"localhost:50051", false, false, true},
		"LOCALHOST:1":                  {"LOCALHOST:1", false, false, true},
		" 127.0.0.1:8\n":               {"127.0.0.1:8", false, false, true}, //nolint:gocritic // white space is what it is about
		"example.org":                  {"example.org:50051", false, false, false},
		"example.org:":                 {"example.org:50051", false, false, false},
		"example.org:443/":             {"example.org:443", false, false, false},
		"127.0.0.1":                    {"127.0.0.1:50051", false, false, true},
		"10.0.0.1:7":                   {"10.0.0.1:7", false, false, false},
		"::1":                          {"[::1]:50051", false, false, true},
		"[::1]":                        {"[::1]:50051", false, false, true},
		"[::1]:9":                      {"[::1]:9", false, false, true},
		"[fe80::1%eth0]:9":             {"[fe80::1%eth0]:9", false, false, false},
		"http://localhost:50051":       {"localhost:50051", false, true, true},
		"HTTP://Example.org/":          {"Example.org:80", false, true, false},
		"https://example.org":          {"example.org:443", true, false, false},
		"https://example.org:8443/":    {"example.org:8443", true, false, false},
		"https://[::1]:5/":             {"[::1]:5", true, false, true},
		"grpc://example.org":           {"example.org:50051", false, true, false},
		"grpcs://example.org:1":        {"example.org:1", true, false, false},
		"unix:/run/siamese.sock":       {"unix:/run/siamese.sock", false, false, true},
		"unix:///run/siamese.sock":     {"unix:/run/siamese.sock", false, false, true},
		"UNIX:relative.sock":           {"unix:relative.sock", false, false, true},
		"dns:///example.org:50051":     {"dns:///example.org:50051", false, false, false},
		"passthrough:///example.org:1": {"passthrough:///example.org:1", false, false, false},
		"http:8080":                    {"http:8080", false, false, false}, // a machine of that name
	}
	for give, want := range tests {
		got, err := client.ParseAddress(give)
		if err != nil {
			t.Errorf("ParseAddress(%q) = %v, want none", give, err)
			continue
		}
		is := struct {
			Target            string
			TLS, Plain, Local bool
		}{got.Target(), got.IsTLS(), got.IsPlain(), got.IsLocal()}
		if diff := cmp.Diff(want.Target, is.Target); diff != "" || is.TLS != want.TLS || is.Plain != want.Plain || is.Local != want.Local {
			t.Errorf("ParseAddress(%q) = %+v, want %+v", give, is, want)
		}
		if text := got.String(); text == "" || strings.ContainsAny(text, " \n") {
			t.Errorf("ParseAddress(%q).String() = %q", give, text)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	const forms = "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path"
	tests := map[string]string{
		"": "received no address of a server, " + forms, "  ": "no address",
		"ftp://example.org":                 `begins with "ftp://", ` + forms,
		"http://":                           forms,
		":50051":                            forms,
		"http://host:1/v1":                  `"/v1" behind the port`,
		"host:1?x=y":                        `"?x=y" behind the port`,
		"host:port":                         `received port "port"`,
		"host:0":                            "a number from 1 to 65535",
		"host:99999":                        "a number from 1 to 65535",
		"host:1:2":                          "expected an IPv6 address in brackets",
		"fe80::x:1":                         "expected an IPv6 address in brackets",
		"a b:1":                             forms,
		"[::1:1":                            "in brackets",
		"/run/siamese.sock":                 "expected unix:PATH for a socket",
		"unix:":                             "without a path",
		"unix:///":                          "without a path",
		"unix://relative":                   "expected unix:///absolute/path or unix:path",
		"unix:/" + strings.Repeat("x", 107): "path of 108 bytes, expected at most 107",
	}
	for give, want := range tests {
		if got, err := client.ParseAddress(give); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseAddress(%q) = %+v, %v, want %q", give, got, err, want)
		}
		if _, err := client.New(give); err == nil {
			t.Errorf("New(%q) = no error", give)
		}
	}
	_, err := client.ParseAddress("https://user:secret@example.org")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "a user in it") {
		t.Errorf("an address with a user = %v, want an error without its password", err)
	}
}
