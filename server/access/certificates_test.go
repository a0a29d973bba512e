package access_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"siamese/server/access"
	"siamese/server/access/accesstest"
)

// shake does a real handshake and returns the common name that the server
// showed. The error is the client's, with what the server answered to its
// certificate.
func shake(t *testing.T, certificates *access.Certificates, client *tls.Config) (name string, err error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		accepted, err := listener.Accept()
		if err != nil {
			served <- err
			return
		}
		_, err = tls.Server(accepted, certificates.Config()).Write([]byte("x"))
		served <- errors.Join(err, accepted.Close())
	}()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = connection.Close()
		<-served
	}()
	conn := tls.Client(connection, client)
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func openCertificates(t *testing.T, pair accesstest.Pair, clients *accesstest.Authority) (certificates *access.Certificates, folder string) {
	t.Helper()
	folder = t.TempDir()
	files := access.CertificateFiles{}
	files.Certificate, files.Key = pair.Write(t, folder)
	if clients != nil {
		files.ClientCA = accesstest.WriteFile(t, folder, "clients.pem", clients.PEM)
	}
	certificates, err := access.OpenCertificates(files)
	if err != nil {
		t.Fatal(err)
	}
	return certificates, folder
}

func TestCertificatesShake(t *testing.T) {
	authority, clients := accesstest.NewAuthority(t, "ours"), accesstest.NewAuthority(t, "clients")
	stranger := accesstest.NewAuthority(t, "stranger")
	now := time.Now()
	trusting := func(pairs ...accesstest.Pair) *tls.Config {
		config := &tls.Config{ServerName: "localhost", RootCAs: authority.Pool()}
		for _, pair := range pairs {
			config.Certificates = append(config.Certificates, pair.TLS(t))
		}
		return config
	}
	old := trusting()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	tests := []struct {
		name    string
		mutual  bool
		give    *tls.Config
		wantErr string // empty: none
	}{
		{"one side", false, trusting(), ""},
		{"a client that trusts another", false, &tls.Config{ServerName: "localhost", RootCAs: stranger.Pool()}, "unknown authority"},
		{"TLS 1.1", false, old, "protocol version"},
		{"both sides", true, trusting(clients.Issue(t, "camera")), ""},
		{"both sides, none shown", true, trusting(), "certificate required"},
		{"both sides, another authority's", true, trusting(stranger.Issue(t, "camera")), "certificate required"},
		{"both sides, the server's own authority's", true, trusting(authority.Issue(t, "camera")), "certificate required"},
		{"both sides, out of date", true, trusting(clients.IssueFor(t, "camera", now.Add(-2*time.Hour), now.Add(-time.Hour))), "expired certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var authorities *accesstest.Authority
			if tt.mutual {
				authorities = clients
			}
			certificates, _ := openCertificates(t, authority.Issue(t, "server"), authorities)
			name, err := shake(t, certificates, tt.give)
			if tt.wantErr == "" && (err != nil || name != "server") {
				t.Errorf("handshake = %q, %v, want the server's name", name, err)
			}
			if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("handshake = %q, %v, want an error with %q", name, err, tt.wantErr)
			}
		})
	}
}

func TestOpenCertificatesRefuses(t *testing.T) {
	authority := accesstest.NewAuthority(t, "ours")
	good, other := authority.Issue(t, "server"), authority.Issue(t, "other")
	now := time.Now()
	tests := []struct {
		name string
		give accesstest.Pair
		ca   string // text of the clients' authorities; empty: no such file is named
		want string
	}{
		{"another one's key", accesstest.Pair{Certificate: good.Certificate, Key: other.Key}, "", "private key does not match public key"},
		{"half a certificate", accesstest.Pair{Certificate: good.Certificate[:100], Key: good.Key}, "", "failed to find any PEM data"},
		{"out of date", authority.IssueFor(t, "server", now.Add(-2*time.Hour), now.Add(-time.Hour)), "", "it was valid until"},
		{"not yet", authority.IssueFor(t, "server", now.Add(time.Hour), now.Add(2*time.Hour)), "", "it is not valid before"},
		{"no authorities", good, "none here", "received no certificate, expected at least one in PEM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			var files access.CertificateFiles
			files.Certificate, files.Key = tt.give.Write(t, folder)
			if tt.ca != "" {
				files.ClientCA = accesstest.WriteFile(t, folder, "clients.pem", []byte(tt.ca))
			}
			if _, err := access.OpenCertificates(files); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("OpenCertificates = %v, want %q", err, tt.want)
			}
		})
	}
	for field, files := range map[string]access.CertificateFiles{"Certificate": {Key: "k"}, "Key": {Certificate: "c"}} {
		if _, err := access.OpenCertificates(files); err == nil || !strings.Contains(err.Error(), "CertificateFiles."+field+" is empty") {
			t.Errorf("OpenCertificates without %s = %v, want the field's name", field, err)
		}
	}
}

func TestCertificatesReload(t *testing.T) {
	authority := accesstest.NewAuthority(t, "ours")
	first, second := authority.Issue(t, "first"), authority.Issue(t, "second")
	certificates, folder := openCertificates(t, first, nil)
	steps := []struct {
		name        string
		give        accesstest.Pair
		wantChanged bool
		wantError   bool
		wantName    string
	}{
		{"as before", first, false, false, "first"},
		{"certificate before its key", accesstest.Pair{Certificate: second.Certificate, Key: first.Key}, false, true, "first"},
		{"half-written", accesstest.Pair{Certificate: second.Certificate, Key: second.Key[:50]}, false, true, "first"},
		{"whole", second, true, false, "second"},
		{"emptied", accesstest.Pair{}, false, true, "second"},
		{"and back", first, true, false, "first"},
	}
	for _, step := range steps {
		step.give.Write(t, folder)
		changed, err := certificates.Reload()
		if changed != step.wantChanged || (err != nil) != step.wantError {
			t.Errorf("%s: Reload = %v, %v, want %v and an error: %v", step.name, changed, err, step.wantChanged, step.wantError)
		}
		name, err := shake(t, certificates, &tls.Config{ServerName: "localhost", RootCAs: authority.Pool()})
		if err != nil || name != step.wantName {
			t.Errorf("%s: the server showed %q, %v, want %q", step.name, name, err, step.wantName)
		}
	}
}

// TestReloadShutsOutAnAuthority: a client of an authority that is no longer
// listed does not come in by a session that it keeps.
func TestReloadShutsOutAnAuthority(t *testing.T) {
	authority, before, after := accesstest.NewAuthority(t, "ours"), accesstest.NewAuthority(t, "before"), accesstest.NewAuthority(t, "after")
	certificates, folder := openCertificates(t, authority.Issue(t, "server"), before)
	client := &tls.Config{
		ServerName:         "localhost",
		RootCAs:            authority.Pool(),
		Certificates:       []tls.Certificate{before.Issue(t, "camera").TLS(t)},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	if _, err := shake(t, certificates, client); err != nil {
		t.Fatal(err)
	}
	accesstest.WriteFile(t, folder, "clients.pem", after.PEM)
	if changed, err := certificates.Reload(); !changed || err != nil {
		t.Fatalf("Reload = %v, %v, want true", changed, err)
	}
	if _, err := shake(t, certificates, client); err == nil {
		t.Error("a client of the authority that has gone came in, want it refused")
	}
}

// TestAuthoritiesAreWholeOrNotTaken: at no byte can a bundle be cut off so that a
// look takes it over and its later authorities are gone.
func TestAuthoritiesAreWholeOrNotTaken(t *testing.T) {
	authority, cameras, operators := accesstest.NewAuthority(t, "ours"), accesstest.NewAuthority(t, "cameras"), accesstest.NewAuthority(t, "operators")
	certificates, folder := openCertificates(t, authority.Issue(t, "server"), cameras)
	whole := slices.Concat([]byte("# who may call\n"), cameras.PEM, []byte("subject=operators\n"), operators.PEM)
	write := func(data []byte) (bool, error) {
		t.Helper()
		accesstest.WriteFile(t, folder, "clients.pem", data)
		return certificates.Reload()
	}
	if changed, err := write(whole); !changed || err != nil {
		t.Fatalf("Reload of two authorities = %v, %v, want true", changed, err)
	}
	for cut := range len(whole) - 1 { // without the last newline nothing is missing
		if changed, err := write(whole[:cut]); changed || err == nil {
			t.Fatalf("Reload of the bundle cut after %d of %d bytes = %v, %v, want an error", cut, len(whole), changed, err)
		}
	}
	client := &tls.Config{ServerName: "localhost", RootCAs: authority.Pool(), Certificates: []tls.Certificate{operators.Issue(t, "olga").TLS(t)}}
	if _, err := shake(t, certificates, client); err != nil {
		t.Errorf("a client of the second authority: %v, want it let in", err)
	}
	// What stays so has been removed.
	if changed, err := write(cameras.PEM); !changed || err != nil {
		t.Errorf("Reload of the first authority without the comment = %v, %v, want true", changed, err)
	}
	if changed, err := write(slices.Concat(cameras.PEM, operators.PEM)); !changed || err != nil {
		t.Errorf("Reload of both again = %v, %v, want true", changed, err)
	}
	if changed, err := write(cameras.PEM); changed || err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Reload of the first alone = %v, %v, want an error", changed, err)
	}
	if changed, err := certificates.Reload(); !changed || err != nil {
		t.Errorf("the next look = %v, %v, want it taken over", changed, err)
	}
	if _, err := shake(t, certificates, client); err == nil {
		t.Error("a client of the authority that has gone came in, want it refused")
	}
}

func TestAuthoritiesRefused(t *testing.T) {
	authority := accesstest.NewAuthority(t, "ours")
	pair := authority.Issue(t, "server")
	middle := bytes.Replace(authority.PEM, []byte("\n"), []byte("\n!"), 2)
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"nothing", nil, "received no certificate"},
		{"a damaged one before a good one", slices.Concat(middle, authority.PEM), "can't be decoded"},
		{"a good one before a damaged one", slices.Concat(authority.PEM, middle), "no PEM"},
		{"text after the last one", slices.Concat(authority.PEM, []byte("and so on")), "no PEM"},
		{"a key", slices.Concat(authority.PEM, pair.Key), `block 2 is "PRIVATE KEY"`},
		{"a certificate that is none", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no")}), "block 1: "},
	}
	for _, tt := range tests {
		folder := t.TempDir()
		files := access.CertificateFiles{ClientCA: accesstest.WriteFile(t, folder, "clients.pem", tt.give)}
		files.Certificate, files.Key = pair.Write(t, folder)
		if _, err := access.OpenCertificates(files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: OpenCertificates = %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestCertificateAndKeyAreWholeOrNotTaken: nor can a chain lose what leads to its
// authority, or a key its end.
func TestCertificateAndKeyAreWholeOrNotTaken(t *testing.T) {
	authority := accesstest.NewAuthority(t, "ours")
	pair := authority.Issue(t, "server")
	pair.Certificate = slices.Concat(pair.Certificate, authority.PEM)
	certificates, folder := openCertificates(t, pair, nil)
	for name, data := range map[string][]byte{"cert.pem": pair.Certificate, "key.pem": pair.Key} {
		for cut := range len(data) - 1 {
			accesstest.WriteFile(t, folder, name, data[:cut])
			if changed, err := certificates.Reload(); changed || err == nil {
				t.Fatalf("Reload with %s cut after %d of %d bytes = %v, %v, want an error", name, cut, len(data), changed, err)
			}
		}
		accesstest.WriteFile(t, folder, name, data)
	}
	if changed, err := certificates.Reload(); changed || err != nil {
		t.Errorf("Reload of the files as they were = %v, %v, want nothing changed", changed, err)
	}
}
