package sandbox

import (
	"encoding/json"
	"net/http"
)

const redacted = "[redacted]"

// mask hides a value. That there is none is no secret.
func mask(value string) string {
	if value == "" {
		return ""
	}
	return redacted
}

// secretHeaders are the request headers whose values are credentials.
var secretHeaders = []string{"X-Api-Key", "X-User-Api-Key", "Authorization", "Proxy-Authorization", "Cookie"}

func maskHeader(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range secretHeaders {
		for i, value := range h[name] {
			h[name][i] = mask(value)
		}
	}
	return h
}

// plain are the places of a body whose strings are no secrets.
var plain = map[string]bool{
	"/alias":                       true,
	"/connection/state/authScheme": true,
	"/experimental/acl_config_for_shared/allowed_user_ids":     true,
	"/experimental/acl_config_for_shared/not_allowed_user_ids": true,
}

// maskBody returns a body with everything hidden that may be a secret: all of it if it is no JSON.
func maskBody(data []byte) string {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return mask(string(data))
	}
	out, _ := json.Marshal(maskValue(v, "")) // what was decoded can be encoded
	return string(out)
}

func maskValue(v any, at string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = maskValue(member, at+"/"+name)
		}
		return v
	case []any:
		for i, item := range v {
			v[i] = maskValue(item, at)
		}
		return v
	case string:
		if plain[at] {
			return v
		}
		return mask(v)
	case float64:
		return redacted
	default: // null, true, false
		return v
	}
}
