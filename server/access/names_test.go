package access_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"testing"

	"siamese/server/access"
)

func TestAddressName(t *testing.T) {
	tests := []struct{ give, want string }{
		{"192.0.2.7:5000", "192.0.2.7"},
		{"192.0.2.7:5001", "192.0.2.7"},
		{"[::ffff:192.0.2.7]:5000", "192.0.2.7"},
		{"[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::9]:81", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:80", "fe80::/64"},
		{"bufconn", "bufconn"},
		{"@", "unix"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := access.AddressName(tt.give); got != tt.want {
			t.Errorf("AddressName(%q) = %q, want %q", tt.give, got, tt.want)
		}
	}
}

func TestCertificateName(t *testing.T) {
	workload := &url.URL{Scheme: "spiffe", Host: "example.org", Path: "/camera"}
	const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct {
		name string
		give x509.Certificate
		want string
	}{
		{"common name", x509.Certificate{Subject: pkix.Name{CommonName: "camera"}, URIs: []*url.URL{workload}}, "camera"},
		{"URI", x509.Certificate{URIs: []*url.URL{workload}, DNSNames: []string{"a.example"}}, "spiffe://example.org/camera"},
		{"DNS name", x509.Certificate{DNSNames: []string{"a.example", "b.example"}}, "a.example"},
		{"none", x509.Certificate{}, hashOfNothing},
	}
	for _, tt := range tests {
		if got := access.CertificateName(&tt.give); got != tt.want {
			t.Errorf("CertificateName of one with %s = %q, want %q", tt.name, got, tt.want)
		}
	}
}
