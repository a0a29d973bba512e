package access

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
)

// CertificateName is what a client that showed a certificate is called: its
// common name, else its first URI or DNS name, else the certificate's SHA-256
// in hexadecimal.
func CertificateName(certificate *x509.Certificate) string {
	var uri, dns string
	if len(certificate.URIs) > 0 {
		uri = certificate.URIs[0].String()
	}
	if len(certificate.DNSNames) > 0 {
		dns = certificate.DNSNames[0]
	}
	hash := sha256.Sum256(certificate.Raw)
	return cmp.Or(certificate.Subject.CommonName, uri, dns, hex.EncodeToString(hash[:]))
}

// AddressName is what a caller without token and certificate is called: its IP
// address without the port, of IPv6 the first 64 bits, since a single machine
// has all that follow. What is no such address is its own name.
func AddressName(address string) string {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := parsed.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
}
