package gen

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// newRequest returns a request for path, which is escaped, below server's own path.
func newRequest(ctx context.Context, method string, server *url.URL, path, accept, contentType string, body []byte) (*http.Request, error) {
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "", nil) // the URL comes parsed
	if err != nil {
		return nil, err
	}
	*req.URL = *server
	prefix := server.EscapedPath()
	if trimmed := strings.TrimSuffix(prefix, "/"); trimmed != prefix { // path begins with one
		prefix, req.URL.Path = trimmed, strings.TrimSuffix(server.Path, "/")
	}
	req.URL.Path += unescaped
	if server.RawPath != "" || unescaped != path {
		req.URL.RawPath = prefix + path
	}
	req.Host = server.Host
	types := []string{accept, contentType} // one array for two headers, which cannot grow into each other
	req.Header["Accept"], req.Header["Content-Type"] = types[0:1:1], types[1:2:2]
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, err = req.GetBody()
	return req, err
}
