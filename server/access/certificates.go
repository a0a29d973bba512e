package access

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"siamese/internal/regular"
)

// maxPEMBytes bounds a file of certificates: a bundle of all public authorities
// has a quarter of it.
const maxPEMBytes = 1 << 20

// CertificateFiles name a server's certificate. All files are PEM.
type CertificateFiles struct {
	// Certificate holds the server's certificate, then those that lead to its
	// authority. Required.
	Certificate string

	// Key holds the certificate's private key. Required.
	Key string

	// ClientCA holds the authorities of the clients' certificates. Empty: clients
	// need none. Set: a connection without a certificate of one of them is
	// refused.
	ClientCA string
}

// Validate returns an error that says which file is not named, if any.
func (f CertificateFiles) Validate() error {
	switch {
	case f.Certificate == "":
		return errors.New("access: CertificateFiles.Certificate is empty, expected the file of the server's certificate")
	case f.Key == "":
		return errors.New("access: CertificateFiles.Key is empty, expected the file of the certificate's private key")
	}
	return nil
}

// Certificates are a server's certificate and the authorities of its clients,
// as their files last were when they were good. It is safe for concurrent use.
type Certificates struct {
	files CertificateFiles
	held  atomic.Pointer[certificate]
	looks looks // Reload's
}

// certificate is what the files said; it does not change.
type certificate struct {
	files  [][]byte
	config *tls.Config
	leaf   *x509.Certificate
}

// OpenCertificates reads the files. A certificate that does not go with its
// key, or is not valid today, is refused.
func OpenCertificates(files CertificateFiles) (*Certificates, error) {
	if err := files.Validate(); err != nil {
		return nil, err
	}
	c := &Certificates{files: files}
	if _, err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload implements [Source]. New connections get what is new; those that exist
// go on with what they had.
func (c *Certificates) Reload() (changed bool, err error) {
	paths := []string{c.files.Certificate, c.files.Key}
	if c.files.ClientCA != "" {
		paths = append(paths, c.files.ClientCA)
	}
	var files [][]byte
	for _, path := range paths {
		data, err := regular.Read(path, maxPEMBytes)
		if err != nil {
			return false, fmt.Errorf("access: certificate: %w", err)
		}
		files = append(files, data)
	}
	held := c.held.Load()
	if held != nil && sameFiles(held.files, files) {
		return false, nil
	}
	fresh, err := c.parse(files)
	if err != nil {
		return false, err
	}
	if held != nil {
		if err := c.looks.check(paths, held.files, files); err != nil {
			return false, fmt.Errorf("access: certificate: %w", err)
		}
	}
	c.held.Store(fresh)
	return true, nil
}

// parse makes sense of certificate, key and, where there is one, authorities.
func (c *Certificates) parse(files [][]byte) (*certificate, error) {
	for i, path := range []string{c.files.Certificate, c.files.Key} {
		if _, err := blocks(files[i]); err != nil {
			return nil, fmt.Errorf("access: %s: %w", path, err)
		}
	}
	pair, err := tls.X509KeyPair(files[0], files[1])
	if err != nil {
		return nil, fmt.Errorf("access: certificate %s with key %s: %w", c.files.Certificate, c.files.Key, err)
	}
	if err := checkValidity(pair.Leaf, time.Now()); err != nil {
		return nil, fmt.Errorf("access: certificate %s: %w", c.files.Certificate, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
		Certificates: []tls.Certificate{pair},
	}
	if len(files) > 2 {
		if config.ClientCAs, err = authorities(files[2]); err != nil {
			return nil, fmt.Errorf("access: authorities of clients in %s: %w", c.files.ClientCA, err)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		// A ticket would let a client back in whose authority is gone.
		config.SessionTicketsDisabled = true
	}
	return &certificate{files: files, config: config, leaf: pair.Leaf}, nil
}

func checkValidity(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s, expected one that is valid now", leaf.NotBefore.Format(time.RFC3339))
	case now.After(leaf.NotAfter):
		return fmt.Errorf("it was valid until %s, expected one that is valid now", leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// String implements [Source].
func (c *Certificates) String() string {
	if c.files.ClientCA == "" {
		return "certificate " + c.files.Certificate
	}
	return "certificate " + c.files.Certificate + ", authorities " + c.files.ClientCA
}

// NotAfter is when the certificate in use ends to be valid.
func (c *Certificates) NotAfter() time.Time { return c.held.Load().leaf.NotAfter }

// Config is a server's side of TLS 1.2 and up that gives each new connection
// what was reloaded last. The caller must not change it.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.held.Load().config, nil
		},
		SessionTicketsDisabled: c.files.ClientCA != "",
	}
}

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
