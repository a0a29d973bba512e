package httpapi

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

// textOverhead is what a message in JSON may be larger than Backend.MaxMessageBytes
// beside the four bytes that base64 makes of three.
const textOverhead = 64 << 10

// Backend is what answers the calls.
type Backend struct {
	GRPC            http.Handler // the gRPC server
	Gate            *admission.Gate
	MaxMessageBytes int           // of one message of gRPC
	StallTimeout    time.Duration // for which an answer may wait for its reader
	Fronts          []Front       // whose prefixes differ

	// Explain turns any error of a front's route into a status; rpc is the call that
	// the route is for. It may be nil where there are no fronts.
	Explain func(ctx context.Context, rpc string, err error) error
}

// newHandler routes calls to the backend and the rest to the page.
func newHandler(cfg Config, backend Backend) (http.Handler, error) {
	calls, err := backend.transcoder()
	if err != nil {
		return nil, err
	}
	guarded, err := guardOrigins(cfg.Origins, refuseOrigin, postOnly(backend.admit(backend.understand(backend.takeBody(calls)))))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	service := "/" + pb.SiameseService_ServiceDesc.ServiceName + "/"
	mux.Handle(service, guarded)
	mux.Handle(pb.SiameseService_StreamCompare_FullMethodName, postOnly(http.HandlerFunc(refuseStream)))
	mux.Handle("/"+pb.GalleryService_ServiceDesc.ServiceName+"/", guarded)
	mux.Handle(pb.GalleryService_Enroll_FullMethodName, postOnly(http.HandlerFunc(refuseEnroll)))
	mux.Handle(healthpb.Health_Check_FullMethodName, guarded)
	for _, front := range backend.Fronts {
		handler, err := front.handler(backend, cfg.Origins)
		if err != nil {
			return nil, err
		}
		mux.Handle(front.Prefix, handler)
		mux.Handle(front.Prefix+"/", handler)
	}
	page := cfg.Page
	if page == nil {
		page = http.NotFoundHandler()
	}
	mux.Handle("/", tellGRPC(page))
	return mux, nil
}

// tellGRPC tells clients of gRPC that call what is not at this port, such as
// reflection, where it is.
func tellGRPC(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/grpc") {
			refuse(w, r, connect.CodeUnimplemented,
				"there is no call "+fault.Quote(r.URL.Path)+" at this port, which is for browsers and has no calls with streams of requests: gRPC is at the server's other port (siamese serve --addr)")
			return
		}
		page.ServeHTTP(w, r)
	})
}

// transcoder turns calls of browsers into gRPC calls.
func (b Backend) transcoder() (http.Handler, error) {
	backend := blame(b.GRPC)
	options := []vanguard.ServiceOption{
		vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
		vanguard.WithTargetCodecs(vanguard.CodecProto),
		vanguard.WithNoTargetCompression(),
		vanguard.WithMaxMessageBufferBytes(uint32(b.maxTextBytes())),
	}
	return vanguard.NewTranscoder([]*vanguard.Service{
		vanguard.NewService(pb.SiameseService_ServiceDesc.ServiceName, backend, options...),
		vanguard.NewService(pb.GalleryService_ServiceDesc.ServiceName, backend, options...),
		vanguard.NewService(healthpb.Health_ServiceDesc.ServiceName, backend, options...),
	},
		// Of answers; takeBody unpacks what comes.
		vanguard.WithCompression(gzipName, newCompressor, newDecompressor),
		vanguard.WithCodec(newJSONCodec),
		vanguard.WithUnknownHandler(http.HandlerFunc(refuseUnknown)))
}

func newCompressor() connect.Compressor { return gzip.NewWriter(io.Discard) }

func newDecompressor() connect.Decompressor { return new(gzip.Reader) }

// admit admits calls before their body is read.
func (b Backend) admit(next http.Handler) http.Handler {
	return b.admitAs("", refuseAs, next)
}

// admitAs admits requests as calls of rpc, of their path where that is empty; refuse
// tells those of it that are not let in.
func (b Backend) admitAs(rpc string, refuse func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := b.Gate.Admit(r.Context(), cmp.Or(rpc, r.URL.Path), admission.Identity{
			Authorization: r.Header.Values(admission.Authorization), TLS: r.TLS, Address: r.RemoteAddr,
		})
		if err != nil {
			if status.Code(err) == codes.Unauthenticated {
				w.Header().Set("WWW-Authenticate", "Bearer")
			} else {
				b.drain(w, r) // as in takeBody
			}
			refuse(w, r, err)
			return
		}
		defer admission.Leave(ctx)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// maxTextBytes bounds a request's body: a message of the largest size as JSON.
// What it says is then held against Backend.MaxMessageBytes by the gRPC server.
func (b Backend) maxTextBytes() int64 {
	const most = 1<<32 - 1 // what the transcoder can be told
	return min(int64(b.MaxMessageBytes)/3*4+textOverhead, most)
}

// postOnly refuses calls by GET, which any page can make a browser send.
func postOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "received "+fault.Quote(r.Method)+", expected POST with the request as JSON, at least {}, and the header Content-Type: "+kindJSON,
				http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func refuseStream(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, connect.CodeUnimplemented,
		"StreamCompare needs a stream in both directions, which this port does not have, as it is for browsers: call it over gRPC at the server's other port, or send frames by Rank")
}

func refuseEnroll(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, connect.CodeUnimplemented,
		"Enroll takes a stream of messages, which this port does not have, as it is for browsers: call it over gRPC at the server's other port, or send entries by BatchEnroll")
}

func refuseUnknown(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, connect.CodeUnimplemented, "there is no call "+fault.Quote(r.URL.Path))
}

// refuse answers in the protocol that the request came in.
func refuse(w http.ResponseWriter, r *http.Request, code connect.Code, message string) {
	writeError(w, r, connect.NewError(code, errors.New(message)))
}

// refuseAs answers with the status of an error and its details.
func refuseAs(w http.ResponseWriter, r *http.Request, err error) { writeError(w, r, connectError(err)) }

// connectError is an error, a status or one that has one, as Connect tells it.
func connectError(err error) *connect.Error {
	refused := status.Convert(err)
	answer := connect.NewError(connect.Code(refused.Code()), errors.New(refused.Message()))
	for _, packed := range refused.Proto().GetDetails() {
		detail, _ := connect.NewErrorDetail(packed) // never fails: it is packed already
		answer.AddDetail(detail)
	}
	return answer
}

func writeError(w http.ResponseWriter, r *http.Request, answer *connect.Error) {
	_ = connect.NewErrorWriter().Write(w, r, answer) // one that can't be written has no reader
}

// noSniffing keeps browsers from guessing what an answer is.
func noSniffing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
