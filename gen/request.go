package gen

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

// newRequest returns a request for path, which is escaped, below server's own path. It fills in the request by hand,
// because http.NewRequest would parse a URL that is parsed.
func newRequest(method string, server *url.URL, path, accept, contentType string, body []byte) (*http.Request, error) {
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	target := *server
	target.Path += unescaped
	if server.RawPath != "" || unescaped != path {
		target.RawPath = server.EscapedPath() + path
	}
	getBody := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	reader, _ := getBody()
	types := []string{accept, contentType} // one array for two headers, which cannot grow into each other
	return &http.Request{
		Method:        method,
		URL:           &target,
		Host:          target.Host,
		Header:        http.Header{"Accept": types[0:1:1], "Content-Type": types[1:2:2]},
		Body:          reader,
		GetBody:       getBody,
		ContentLength: int64(len(body)),
	}, nil
}
