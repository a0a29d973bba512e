package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// TestHTTPKinds: what is JSON by any spelling is answered; what is not is 415 with
// what was received and what to write.
func TestHTTPKinds(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct {
		give       string
		wantStatus int
		wantBody   string
	}{
		{"application/json", 200, "maxImageBytes"},
		{"application/json;charset=UTF-8", 200, "maxImageBytes"},
		{"Application/JSON", 200, "maxImageBytes"},
		{"APPLICATION/JSON; CHARSET=utf8", 200, "maxImageBytes"},
		{" application/json ; charset=\"utf-8\" ; version=1", 200, "maxImageBytes"},
		{"application/json;charset='UTF-8'", 200, "maxImageBytes"},
		{"application/json;", 200, "maxImageBytes"},
		{"application/json; charset", 200, "maxImageBytes"},
		{"application/json; charset=utf-8; charset=utf-8", 200, "maxImageBytes"},
		{"application/json, application/json", 200, "maxImageBytes"},
		{"application/json; odata=verbose", 200, "maxImageBytes"},
		{"text/json", 200, "maxImageBytes"},
		{"application/x-json", 200, "maxImageBytes"},
		{"application/vnd.api+json", 200, "maxImageBytes"},
		{"", 415, `received no Content-Type, expected application/json: add the header \"Content-Type: application/json\"`},
		{"application/x-www-form-urlencoded", 415, "so add -H 'Content-Type: application/json'"},
		{"text/plain;charset=UTF-8", 415, `received Content-Type \"text/plain;charset=UTF-8\", expected application/json`},
		{"multipart/form-data; boundary=x", 415, "pictures go as base64 into JSON"},
		{"image/png", 415, "pictures go as base64 into JSON"},
		{"application/grpc-web-text", 415, "mode grpcweb"},
		{"application/xml", 415, `received Content-Type \"application/xml\", expected application/json`},
		{"application/jsonp", 415, "expected application/json"},
		{"application/json, text/plain", 415, "expected application/json"},
		{"json", 415, "expected application/json"},
		{"application/json; charset=iso-8859-1", 415, `whose charset is \"iso-8859-1\", expected UTF-8`},
		{"application/json; charset=utf-16", 415, `whose charset is \"utf-16\", expected UTF-8`},
		{strings.Repeat("x", 5000), 415, "(5000 bytes)"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.40q", tt.give), func(t *testing.T) {
			got := h.do(t, http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, []byte("{}"), "Content-Type", tt.give)
			if got.Status != tt.wantStatus || !strings.Contains(got.Body, tt.wantBody) {
				t.Errorf("Content-Type %q = %d %s, want %d and %s", tt.give, got.Status, got.Body, tt.wantStatus, tt.wantBody)
			}
			var told struct{ Code, Message string }
			if tt.wantStatus == http.StatusUnsupportedMediaType && (json.Unmarshal([]byte(got.Body), &told) != nil || told.Message == "" || got.Header.Get("Accept-Post") == "") {
				t.Errorf("Content-Type %q = %s, want JSON with a message, and Accept-Post", tt.give, got.Body)
			}
		})
	}
}

// TestHTTPKindsOfProtocols: protocols of messages are known in any case, too.
func TestHTTPKindsOfProtocols(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	frame := "\x00\x00\x00\x00\x00"
	for kind, body := range map[string]string{
		"Application/Proto": "", "application/x-protobuf": "", "application/protobuf": "", "APPLICATION/GRPC-WEB+PROTO": frame,
		"application/grpc-web; charset=utf-8": frame, "Application/Grpc-Web+Json": "\x00\x00\x00\x00\x02{}",
	} {
		got := h.do(t, http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, []byte(body), "Content-Type", kind)
		failed := got.Header.Get("Grpc-Status") != "" && got.Header.Get("Grpc-Status") != "0"
		if got.Status != http.StatusOK || failed || len(got.Body) < 100 {
			t.Errorf("%s = %d, %v, %d bytes %.200q; want an answer", kind, got.Status, got.Header, len(got.Body), got.Body)
		}
	}
}

// wrapped is base64 in lines.
func wrapped(text, end string, width int) string {
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	return strings.Join(append(lines, text), end) + end
}

// spellings are the forms in which clients send bytes as base64.
func spellings(data []byte) map[string]string {
	standard, address := base64.StdEncoding.EncodeToString(data), base64.URLEncoding.EncodeToString(data)
	bare, mixed := base64.RawStdEncoding.EncodeToString(data), standard
	if half := len(standard) / 2; half > 0 {
		mixed = standard[:half] + address[half:]
	}
	return map[string]string{
		"standard": standard, "URL": address, "unpadded": bare, "URL, unpadded": base64.RawURLEncoding.EncodeToString(data), "both": mixed,
		"lines": wrapped(standard, `\n`, 76), "CR LF": wrapped(standard, `\r\n`, 76), "URL in lines": wrapped(address, `\n`, 64), "unpadded lines": wrapped(bare, `\n`, 76),
		"raw lines": wrapped(standard, "\n", 76), "blanks": wrapped(standard, " ", 3), "tabs": `\t` + standard + "\t",
		"escaped slashes": strings.ReplaceAll(standard, "/", `\/`), "escaped": strings.NewReplacer("+", `\u002B`, "=", `\u003d`).Replace(standard),
		"data URL": "data:image/png;base64," + standard, "bare data URL": " data:;base64," + bare, "escaped data URL": `data:image\/png;charset=utf-8;base64,` + standard,
		"upper data URL in lines": "DATA:IMAGE/X-ICON;BASE64," + wrapped(address, `\r\n`, 76),
	}
}

// TestHTTPTakesBase64: of all lengths in all spellings, in each field of bytes.
func TestHTTPTakesBase64(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	for width := 2; width < 26; width++ {
		pixels := make([]byte, 2*width)
		for i := range pixels {
			pixels[i] = byte(251 + 37*i) // has - and _, + and /
		}
		want := ""
		for name, text := range spellings(pixels) {
			body := fmt.Sprintf(`{"images":[{"raw":{"width":%d,"height":2,"format":"PIXEL_FORMAT_GRAY8","data":"%s"}}]}`, width, text)
			got := h.do(t, http.MethodPost, pb.SiameseService_Embed_FullMethodName, []byte(body), "Content-Type", "application/json")
			var reply struct {
				Results []struct{ Embedding struct{ Values []float64 } }
			}
			if err := json.Unmarshal([]byte(got.Body), &reply); err != nil || len(reply.Results) != 1 || len(reply.Results[0].Embedding.Values) == 0 {
				t.Fatalf("%d bytes, %s: %d %s, want an embedding", len(pixels), name, got.Status, got.Body)
			}
			text := fmt.Sprint(reply.Results[0].Embedding.Values)
			if want == "" {
				want = text
			}
			if text != want {
				t.Errorf("%d bytes, %s: embedding %s, want %s as of the others", len(pixels), name, text, want)
			}
		}
	}
	for name, text := range spellings(gray(7)) {
		for _, body := range []string{
			fmt.Sprintf(`{"imageA":{"encoded":"%s"},"image_b":{"encoded":"%s"}}`, text, text),
			fmt.Sprintf("\xef\xbb\xbf { \"image\\u0041\" : {\"encoded\" : \"%s\"} , \"unknown\":[[{\"x\":\"\\\"}\"}]], \"imageB\":{\"encoded\":\"%s\"}}", text, text),
		} {
			got := h.do(t, http.MethodPost, comparePath, []byte(body), "Content-Type", "application/json")
			if got.Status != http.StatusOK || !strings.Contains(got.Body, `"same":true`) {
				t.Errorf("%s: %d %s, want the same", name, got.Status, got.Body)
			}
		}
	}
}

// TestHTTPTellsOfBadBase64: by field and offset, or in one sentence.
func TestHTTPTellsOfBadBase64(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct{ give, want string }{
		{"AAAA%AAA", `received '%' at offset 4, expected base64`},
		{"AAAAé", `received 'é' at offset 4`},
		{`AA\u0000A`, `received '\\x00' at offset 2`},
		{"AA==AA==", `received 'A' at offset 4 behind the padding`},
		{"A", "received 1 characters of base64 with 0 of padding"},
		{"AAAAA", "received 5 characters of base64 with 0 of padding, up to offset 5, expected groups of four"},
		{"AAA==", "received 3 characters of base64 with 2 of padding"},
		{"AA=", "received 2 characters of base64 with 1 of padding"},
		{"====", "received 0 characters of base64 with 4 of padding"},
		{"picture.png", `received '.' at offset 7`},
		{"data:image/svg+xml;utf8,<svg>", `received the data URL \"data:image/svg+xml;utf8,\", expected one of base64, as data:image/png;base64,…`},
		{"data:,AAAA", `received the data URL \"data:,\", expected one of base64`},
		{"data:image/png;base64", "with a comma before it"},
		{"data:image/png;base64,A*", `received '*' at offset 23`},
		{"http://example.org/a.png", `received ':' at offset 4`},
		{`AA\xAA`, "received an escape that JSON does not have"},
		{`AA\u00`, "received an escape that JSON does not have"},
	}
	for _, tt := range tests {
		body := fmt.Sprintf(`{"query":{"encoded":""},"candidates":[{"encoded":"AAAA"},{"raw":{"data":"%s"}}]}`, tt.give)
		got := h.do(t, http.MethodPost, pb.SiameseService_Rank_FullMethodName, []byte(body), "Content-Type", "application/json")
		if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "candidates[1].raw.data: the message can't be read: received") || !strings.Contains(got.Body, tt.want) {
			t.Errorf("%q = %d %s, want 400, the field and %q", tt.give, got.Status, got.Body, tt.want)
		}
		if !strings.Contains(got.Body, `"reason":"MESSAGE_UNREADABLE"`) || len(got.Body) > 1500 {
			t.Errorf("%q = %s, want its reason, in few words", tt.give, got.Body)
		}
	}
}

// TestHTTPBrokenJSONIsTold: whatever is broken is protojson's to refuse.
func TestHTTPBrokenJSONIsTold(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	whole := `{"imageA":{"encoded":"AA\nAA"},"imageB":{"raw":{"data":"AA=="}},"options":{"threshold":0.25}}`
	for end := 1; end < len(whole); end++ {
		got := h.do(t, http.MethodPost, comparePath, []byte(whole[:end]), "Content-Type", "application/json")
		if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "expected a CompareRequest in JSON") {
			t.Errorf("%q = %d %s, want 400", whole[:end], got.Status, got.Body)
		}
	}
	utf16 := h.do(t, http.MethodPost, comparePath, []byte("\xff\xfe{\x00}\x00"), "Content-Type", "application/json")
	if utf16.Status != http.StatusBadRequest || !strings.Contains(utf16.Body, "received text in UTF-16, expected JSON in UTF-8") {
		t.Errorf("UTF-16 = %d %s, want 400 and its name", utf16.Status, utf16.Body)
	}
	for _, give := range []string{
		strings.Repeat("[", 100_000), `{"imageA":` + strings.Repeat("[", 100_000), `{"imageA":{"encoded":[` + strings.Repeat(`["AA"],`, 1000) + `]}}`, `{"imageA":{"encoded":"AA" "AA"}}`,
		`{"imageA":{"encoded":}}`, `{"imageA":{,}}`, `{"imageA"}`, `{"imageA":{"encoded":"AA","encoded":"AA"}}`, `}`, `"`, `{"imageA":{"encoded":{"encoded":"AA"}}}`, `{"\`, `{"imageA":"\`,
	} {
		got := h.do(t, http.MethodPost, comparePath, []byte(give), "Content-Type", "application/json")
		if got.Status != http.StatusBadRequest {
			t.Errorf("%.40q = %d %.200s, want 400", give, got.Status, got.Body)
		}
	}
}

// TestHTTPLeavesOutWhatNobodyAsked: fields that say nothing are left out, a verdict of
// false is not.
func TestHTTPLeavesOutWhatNobodyAsked(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	fields := func(options string) map[string]any {
		image := func(v int) string {
			return fmt.Sprintf(`{"raw":{"width":2,"height":2,"format":"PIXEL_FORMAT_GRAY8","data":"%s"}}`, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(v)}, 4)))
		}
		body := fmt.Sprintf(`{"imageA":%s,"imageB":%s,"options":{"threshold":0.75%s}}`, image(0), image(255), options)
		got := h.do(t, http.MethodPost, comparePath, []byte(body), "Content-Type", "application/json")
		var reply map[string]any
		if err := json.Unmarshal([]byte(got.Body), &reply); err != nil || got.Status != http.StatusOK {
			t.Fatalf("Compare = %d %s: %v", got.Status, got.Body, err)
		}
		return reply
	}
	plain := fields("")
	for _, name := range []string{"preparedAPng", "preparedBPng", "warning", "familiarityA"} {
		if value, there := plain[name]; there {
			t.Errorf("%s = %v, want it left out", name, value)
		}
	}
	if diff := cmp.Diff([]any{false, 0.75}, []any{plain["same"], plain["threshold"]}); diff != "" {
		t.Errorf("same, threshold (-want +got):\n%s\n%v", diff, plain)
	}
	if asked := fields(`,"includePrepared":true`); asked["preparedAPng"] == nil || asked["preparedBPng"] == nil {
		t.Errorf("with includePrepared the reply is %v, want both pictures", asked)
	}
}

// TestHTTPMethods: calls by another method are told what to send.
func TestHTTPMethods(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	for _, path := range []string{comparePath, pb.SiameseService_StreamCompare_FullMethodName} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
			got := h.do(t, method, path, nil)
			told := method == http.MethodHead || strings.Contains(got.Body, fmt.Sprintf("received %q, expected POST with the request as JSON", method))
			if got.Status != http.StatusMethodNotAllowed || got.Header.Get("Allow") != http.MethodPost || !told {
				t.Errorf("%s %s = %d, Allow %q, %q; want 405, POST and what to send", method, path, got.Status, got.Header.Get("Allow"), got.Body)
			}
		}
	}
}
