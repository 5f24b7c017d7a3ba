package sandbox

import "net/http"

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
