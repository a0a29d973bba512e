package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
	"siamese/server/access/accesstest"
)

// secured is a server that speaks TLS at both of its ports.
type secured struct {
	*onHTTP
	authority    *accesstest.Authority // of the server's certificate
	clients      *accesstest.Authority // of the clients', where they need one
	certificates *access.Certificates
	folder       string // of the files
}

// serveTLS starts one; mutual makes clients need a certificate.
func serveTLS(t *testing.T, cfg server.Config, mutual bool) *secured {
	t.Helper()
	s := &secured{authority: accesstest.NewAuthority(t, "ours"), folder: t.TempDir()}
	var files access.CertificateFiles
	files.Certificate, files.Key = s.authority.Issue(t, "server").Write(t, s.folder)
	if mutual {
		s.clients = accesstest.NewAuthority(t, "clients")
		files.ClientCA = accesstest.WriteFile(t, s.folder, "clients.pem", s.clients.PEM)
	}
	var err error
	if s.certificates, err = access.OpenCertificates(files); err != nil {
		t.Fatal(err)
	}
	cfg.TLS = s.certificates.Config()
	s.onHTTP = serveHTTP(t, cfg, server.HTTPConfig{}, &fakeModel{})
	s.url = strings.Replace(s.url, "http://", "https://", 1)
	return s
}

// trusting is a client's side of TLS.
func (s *secured) trusting(t *testing.T, pairs ...accesstest.Pair) *tls.Config {
	t.Helper()
	config := &tls.Config{ServerName: "localhost", RootCAs: s.authority.Pool()}
	for _, pair := range pairs {
		config.Certificates = append(config.Certificates, pair.TLS(t))
	}
	return config
}

// dialTLS is the same server through another connection over gRPC.
func (s *secured) dialTLS(t *testing.T, transport credentials.TransportCredentials) *running {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///localhost",
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &running{SiameseServiceClient: pb.NewSiameseServiceClient(conn), conn: conn, server: s.server, log: s.log}
}

// info makes a call over HTTP and returns its answer's protocol.
func (s *secured) info(t *testing.T, config *tls.Config) (protocol string, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: len(config.NextProtos) == 0} // it changes its own
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	resp, err := client.Post(s.url+pb.SiameseService_GetServerInfo_FullMethodName, "application/json", strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("POST = %s, want 200", resp.Status)
	}
	return resp.Proto, nil
}

func TestMutualTLSOnBothPorts(t *testing.T) {
	s := serveTLS(t, server.Config{}, true)
	stranger := accesstest.NewAuthority(t, "stranger")
	tests := []struct {
		name string
		give *tls.Config
		want codes.Code
	}{
		{"known", s.trusting(t, s.clients.Issue(t, "camera 7")), codes.OK},
		{"none", s.trusting(t), codes.Unavailable},
		{"a stranger's", s.trusting(t, stranger.Issue(t, "camera 7")), codes.Unavailable},
		{"one that trusts another server", &tls.Config{
			ServerName: "localhost", RootCAs: stranger.Pool(), Certificates: s.trusting(t, s.clients.Issue(t, "camera 8")).Certificates,
		}, codes.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.dialTLS(t, credentials.NewTLS(tt.give)).Compare(t.Context(), compareRequest(grayImage(1), grayImage(2)))
			if status.Code(err) != tt.want {
				t.Errorf("over gRPC: %v, want %v", err, tt.want)
			}
			if _, err := s.info(t, tt.give); (err == nil) != (tt.want == codes.OK) {
				t.Errorf("over HTTP: %v, want %v", err, tt.want)
			}
		})
	}
	for _, rpc := range []string{comparePath, pb.SiameseService_GetServerInfo_FullMethodName} {
		if got := s.callers(rpc); len(got) != 1 || got[0] != "certificate camera 7" {
			t.Errorf("callers of %s = %q, want the certificate's name alone", rpc, got)
		}
	}
	if _, err := s.Compare(t.Context(), compareRequest(grayImage(1), grayImage(2))); status.Code(err) != codes.Unavailable {
		t.Errorf("in plain text: %v, want UNAVAILABLE", err)
	}
}

// callers are those of a call by the log.
func (r *running) callers(rpc string) (callers []string) {
	for line := range strings.Lines(r.log.String()) {
		if _, rest, found := strings.Cut(line, "rpc="+rpc+" "); found {
			_, caller, _ := strings.Cut(rest, "caller=")
			caller, _, _ = strings.Cut(caller, " request_id=")
			callers = append(callers, strings.Trim(strings.TrimSpace(caller), `"`))
		}
	}
	return callers
}

func TestCallerIsTokenThenCertificateThenAddress(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tokens server.Tokens
		mutual bool
		want   string
	}{
		{"token and certificate", newTokenBook(), true, "token ann"},
		{"certificate", nil, true, "certificate camera"},
		{"neither", nil, false, "address 127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveTLS(t, server.Config{Tokens: tt.tokens}, tt.mutual)
			config := s.trusting(t)
			if tt.mutual {
				config = s.trusting(t, s.clients.Issue(t, "camera"))
			}
			s.client.Transport = &http.Transport{TLSClientConfig: config}
			defer s.client.CloseIdleConnections()
			got := s.do(t, http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, []byte("{}"),
				"Content-Type", "application/json", "Authorization", "Bearer a-token")
			if callers := s.callers(pb.SiameseService_GetServerInfo_FullMethodName); got.Status != http.StatusOK || len(callers) != 1 || callers[0] != tt.want {
				t.Errorf("answer %d to callers %q, want 200 to %q", got.Status, callers, tt.want)
			}
		})
	}
}

func TestTLSPortsSpeakTheirProtocols(t *testing.T) {
	s := serveTLS(t, server.Config{}, false)
	old := s.trusting(t)
	old.NextProtos = []string{"http/1.1"}
	for want, config := range map[string]*tls.Config{"HTTP/2.0": s.trusting(t), "HTTP/1.1": old} {
		if got, err := s.info(t, config); got != want || err != nil {
			t.Errorf("HTTP port = %q, %v, want %q", got, err, want)
		}
	}
	s.url = strings.Replace(s.url, "https://", "http://", 1)
	if got := s.do(t, http.MethodGet, "/", nil); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "HTTPS server") {
		t.Errorf("plain HTTP at the TLS port = %+v, want 400 and what is wrong", got)
	}
}

// TestReloadUnderConnections: a stream goes on over the old certificate, a new
// connection gets the new one, and a bad one changes nothing.
func TestReloadUnderConnections(t *testing.T) {
	s := serveTLS(t, server.Config{}, false)
	shown := make(chan string, 8) // of each connection made in this test
	watching := s.trusting(t)
	watching.VerifyConnection = func(state tls.ConnectionState) error {
		shown <- state.PeerCertificates[0].Subject.CommonName
		return nil
	}
	before := s.dialTLS(t, credentials.NewTLS(watching))
	c, _ := before.openStream(t.Context(), t, &pb.StreamOpening{})
	connect := func(moment, want string) {
		t.Helper()
		if _, err := s.dialTLS(t, credentials.NewTLS(watching)).GetServerInfo(t.Context(), &pb.GetServerInfoRequest{}); err != nil {
			t.Errorf("%s: %v, want an answer", moment, err)
		}
		if got := <-shown; got != want {
			t.Errorf("%s: the server showed %q, want %q", moment, got, want)
		}
		if _, err := s.info(t, watching); err != nil {
			t.Errorf("%s, over HTTP: %v, want an answer", moment, err)
		}
		if got := <-shown; got != want {
			t.Errorf("%s, over HTTP: the server showed %q, want %q", moment, got, want)
		}
		checkProto(t, pairAnswer(1, graySimilarity(1, 2)), c.ask(pair(1, grayImage(1), grayImage(2))), withoutTimings)
	}
	if got := <-shown; got != "server" {
		t.Fatalf("the server showed %q, want %q", got, "server")
	}
	second := s.authority.Issue(t, "second")
	accesstest.WriteFile(t, s.folder, "cert.pem", second.Certificate)
	if _, err := s.certificates.Reload(); err == nil {
		t.Error("Reload of a certificate without its key = nil, want an error")
	}
	connect("with a bad pair of files", "server")
	second.Write(t, s.folder)
	if changed, err := s.certificates.Reload(); !changed || err != nil {
		t.Fatalf("Reload = %v, %v, want true", changed, err)
	}
	connect("with the new certificate", "second")
	if _, err := c.end(); err != nil {
		t.Errorf("the stream over the old certificate ended with %v, want OK", err)
	}
}
