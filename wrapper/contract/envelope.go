package contract

import (
	"cmp"
	"net/http"

	"example.com/composio/gen"
)

// refuse reports violations and answers with the document's error body.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, status int, vs []Violation) {
	h.report(r, vs)
	detail := gen.ErrorDetail{
		Message: "Validation error while processing request",
		Code:    10400,
		Slug:    "HTTP_BadRequest",
	}
	if status == http.StatusInternalServerError {
		detail.Message = "The answer to this request breaks the contract, and was withheld"
		detail.Code, detail.Slug = 10500, "HTTP_InternalServerError"
	}
	detail.Status = float64(status)
	for _, v := range vs {
		detail.Errors = append(detail.Errors, v.Location+": "+v.Rule)
	}
	// A handler around this one may have named the request already.
	detail.RequestID = cmp.Or(w.Header().Get("X-Request-Id"), r.Header.Get("X-Request-Id"))
	body := gen.Error{Error: detail}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.AppendJSON(nil)) // a client that is gone is nobody's error
}
