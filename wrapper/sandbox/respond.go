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
