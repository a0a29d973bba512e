package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// Types of bodies as the transcoder knows them.
const (
	kindJSON         = "application/json"
	kindProto        = "application/proto"
	kindConnectJSON  = "application/connect+json"  // of calls that answer with a stream
	kindConnectProto = "application/connect+proto" // likewise
)

// answersStream reports whether the call of a path answers with a stream.
func answersStream(path string) bool {
	return path == pb.GalleryService_FindDuplicates_FullMethodName || path == pb.GalleryService_Reindex_FullMethodName
}

// streamKind returns the type of a body of a call that answers with a stream: Connect has
// types of its own for it.
func streamKind(values []string) (string, error) {
	received := strings.Join(values, ", ")
	switch kind, _, _ := strings.Cut(strings.ToLower(received), ";"); strings.TrimSpace(kind) {
	case kindConnectJSON:
		return kindConnectJSON, nil
	case kindConnectProto:
		return kindConnectProto, nil
	}
	kind, err := readKind(values)
	if err != nil || kind == kindJSON || kind == kindProto {
		return "", fmt.Errorf("received Content-Type %s, expected %s, %s or application/grpc-web+proto: the call answers with a stream", fault.Quote(received), kindConnectJSON, kindConnectProto)
	}
	return kind, nil
}

// kinds are the types of bodies that are calls, in lower case, and how the transcoder
// spells them. Beside those of the protocols they are what clients send for the same.
var kinds = map[string]string{
	kindJSON: kindJSON, "text/json": kindJSON, "application/x-json": kindJSON, "text/x-json": kindJSON,
	kindProto: kindProto, "application/protobuf": kindProto, "application/x-protobuf": kindProto,
	"application/x-google-protobuf": kindProto, "application/vnd.google.protobuf": kindProto,
	"application/grpc": "application/grpc", "application/grpc+proto": "application/grpc+proto", "application/grpc+json": "application/grpc+json",
	"application/grpc-web": "application/grpc-web", "application/grpc-web+proto": "application/grpc-web+proto", "application/grpc-web+json": "application/grpc-web+json",
}

// advice is what to do about types that clients send by themselves, or by mistake.
var advice = map[string]string{
	"":                                  "add the header \"Content-Type: application/json\"",
	"application/x-www-form-urlencoded": "curl sends this by itself, so add -H 'Content-Type: application/json'",
	"text/plain":                        "browsers send this by themselves, so add the header \"Content-Type: application/json\"",
	"multipart/form-data":               "pictures go as base64 into JSON, not into a form",
	"application/connect+json":          "calls here have one message, which in Connect goes as application/json",
	"application/connect+proto":         "calls here have one message, which in Connect goes as application/proto",
	"application/octet-stream":          "pictures go as base64 into JSON; a message of protobuf is application/proto",
	"application/grpc-web-text":         "of gRPC-Web only application/grpc-web+proto is spoken (mode grpcweb)",
	"application/grpc-web-text+proto":   "of gRPC-Web only application/grpc-web+proto is spoken (mode grpcweb)",
}

// acceptedKinds is told to callers who sent another type.
const acceptedKinds = kindJSON + ", " + kindProto + ", application/grpc-web+proto"

// understand refuses calls whose header says that their body can't be read, and
// spells the headers of the others as the transcoder knows them.
func (b Backend) understand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := readKind
		if answersStream(r.URL.Path) {
			read = streamKind
		}
		kind, err := read(r.Header.Values("Content-Type"))
		if err != nil {
			b.drain(w, r) // as in takeBody
			refuseKind(w, err)
			return
		}
		r.Header.Set("Content-Type", kind)
		encoding := ""
		switch kind {
		case kindJSON, kindProto:
			encoding = "Content-Encoding"
		case kindConnectJSON, kindConnectProto:
			encoding = connectEncoding
		default:
			next.ServeHTTP(w, r)
			return
		}
		if err := checkConnect(r, encoding); err != nil {
			b.drain(w, r)
			w.Header().Set("Accept-Encoding", gzipName)
			writeError(w, r, connect.NewError(connect.CodeInvalidArgument, err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readKind returns the type of a body as the transcoder spells it, from the values of
// the header Content-Type. It reads them more liberally than package mime, since no
// parameter but charset has a meaning here: some clients set the header twice, quote
// with apostrophes or end it with a semicolon.
func readKind(values []string) (string, error) {
	received := strings.Join(values, ", ")
	found := ""
	for part := range strings.SplitSeq(received, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		kind, known := kinds[name]
		if !known && isOtherJSON(name) {
			kind, known = kindJSON, true
		}
		if !known || (found != "" && found != kind) {
			return "", unknownKind(received, name)
		}
		if charset := charsetOf(parameters); !isUTF8(charset) {
			return "", fmt.Errorf("received Content-Type %s, whose charset is %s, expected UTF-8", fault.Quote(received), fault.Quote(charset))
		}
		found = kind
	}
	return found, nil
}

// isOtherJSON reports whether a type is JSON by its suffix, as application/vnd.api+json.
func isOtherJSON(name string) bool {
	return advice[name] == "" && strings.HasPrefix(name, "application/") && strings.HasSuffix(name, "+json")
}

// unknownKind is the error about a type of no call's body.
func unknownKind(received, name string) error {
	told := advice[name]
	if strings.HasPrefix(name, "image/") {
		told = advice["application/octet-stream"]
	}
	if told != "" {
		told = ": " + told
	}
	if strings.TrimSpace(received) == "" {
		return errors.New("received no Content-Type, expected " + kindJSON + told)
	}
	return fmt.Errorf("received Content-Type %s, expected %s, application/proto or application/grpc-web+proto%s", fault.Quote(received), kindJSON, told)
}

// charsetOf returns the charset among the parameters of a type, in lower case; empty
// where there is none.
func charsetOf(parameters string) string {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.ToLower(strings.Trim(value, " \t\"'"))
		}
	}
	return ""
}

// isUTF8 reports whether text in a charset is UTF-8 as it stands.
func isUTF8(charset string) bool {
	return slices.Contains([]string{"", "utf-8", "utf8", "us-ascii", "ascii"}, charset)
}

// refuseKind answers 415 in the form that errors have in Connect.
func refuseKind(w http.ResponseWriter, err error) {
	body, _ := json.Marshal(map[string]string{"code": connect.CodeInvalidArgument.String(), "message": err.Error()}) // strings never fail
	w.Header().Set("Content-Type", kindJSON)
	w.Header().Set("Accept-Post", acceptedKinds)
	w.WriteHeader(http.StatusUnsupportedMediaType)
	_, _ = w.Write(append(body, '\n')) // who has left reads nothing
}
