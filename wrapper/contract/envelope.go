package contract

import (
	"cmp"
	"net/http"

	"example.com/composio/gen"
)

// refuse answers with the document's error body.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string, all []finding) {
	detail := gen.ErrorDetail{Message: message, Code: 10400, Slug: "HTTP_BadRequest", Status: float64(status)}
	if status == http.StatusInternalServerError {
		detail.Code, detail.Slug = 10500, "HTTP_InternalServerError"
	}
	for _, f := range all {
		detail.Errors = append(detail.Errors, f.Location+": "+f.Rule)
	}
	// A handler around this one may have named the request already.
	detail.RequestID = cmp.Or(w.Header().Get("X-Request-Id"), r.Header.Get("X-Request-Id"))
	body := gen.Error{Error: detail}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.AppendJSON(nil)) // a client that is gone is nobody's error
}
