package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"example.com/composio/gen"
)

// failure is an answer with the document's error body.
type failure struct {
	status, code       int
	slug, message, fix string
}

func (f *failure) Error() string { return f.message }

func (f *failure) write(w http.ResponseWriter) {
	detail := gen.ErrorDetail{
		Message: f.message, Code: float64(f.code), Slug: f.slug, Status: float64(f.status), SuggestedFix: f.fix,
		RequestID: w.Header().Get("X-Request-Id"),
	}
	writeJSON(w, f.status, &gen.Error{Error: detail})
}

// writeJSON answers with an object.
func writeJSON(w http.ResponseWriter, status int, v any) {
	data, _ := json.Marshal(v) // texts and numbers, which never fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that is gone is nobody's error
}

// writePage answers as a gateway does, which knows nothing of accounts.
func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", pageType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page(status))
}

const pageType = "text/html; charset=utf-8"

func page(status int) string {
	return fmt.Sprintf("<html><head><title>%d %s</title></head></html>\n", status, http.StatusText(status))
}

// authenticate looks at the key. It returns nil if it is the right one.
func (s *Server) authenticate(h http.Header) *failure {
	keys := h.Values("X-Api-Key")
	if len(keys) == 1 && keys[0] == s.key && len(h.Values("X-User-Api-Key")) == 0 {
		return nil
	}
	if len(keys) == 0 || keys[0] == "" {
		return &failure{
			status: http.StatusUnauthorized, code: 906, slug: "Auth_NoAuthProvided",
			message: "No authentication was provided",
			fix:     "Send the API key of the project in the header x-api-key",
		}
	}
	// The echo of the key's beginning is Composio's.
	return &failure{
		status: http.StatusUnauthorized, code: 10401, slug: "HTTP_Unauthorized",
		message: "Invalid API key: " + keys[0][:min(8, len(keys[0])/2)] + "*****",
	}
}
