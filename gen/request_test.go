package gen_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/gen"
)

const rename = `{"alias":"work"}`

var body = gen.PatchConnectedAccountBody{Alias: new("work")}

func mustParse(t *testing.T, rawURL string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestRequestIsWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ server, id, want string }{
		{"https://backend.composio.dev", "ca_1", "https://backend.composio.dev/api/v3/connected_accounts/ca_1"},
		{"http://127.0.0.1:8080", "ca_1", "http://127.0.0.1:8080/api/v3/connected_accounts/ca_1"},
		{"https://host/composio", "ca_1", "https://host/composio/api/v3/connected_accounts/ca_1"},
		{"https://host/", "ca_1", "https://host/api/v3/connected_accounts/ca_1"},
		{"https://host/composio/", "ca_1", "https://host/composio/api/v3/connected_accounts/ca_1"},
		{"https://host/a%2F", "ca_1", "https://host/a%2F/api/v3/connected_accounts/ca_1"},
		{"https://host/a%2F/", "a/b", "https://host/a%2F/api/v3/connected_accounts/a%2Fb"},
		{"https://host/a%2Fb", "ca_1", "https://host/a%2Fb/api/v3/connected_accounts/ca_1"},
		{"https://host/a%20b%25", "ca_1", "https://host/a%20b%25/api/v3/connected_accounts/ca_1"},
		{"https://host", "a/b c", "https://host/api/v3/connected_accounts/a%2Fb%20c"},
		{"https://host/p%2Fq", "a/b%", "https://host/p%2Fq/api/v3/connected_accounts/a%2Fb%25"},
		{"https://host", "", "https://host/api/v3/connected_accounts/"},
	} {
		t.Run(test.server+" "+test.want, func(t *testing.T) {
			t.Parallel()
			server := mustParse(t, test.server)
			req, err := gen.NewPatchConnectedAccountsByNanoidRequest(server, test.id, body)
			if err != nil {
				t.Fatal(err)
			}
			if got := req.URL.String(); req.Method != "PATCH" || got != test.want || req.Host != server.Host || server.String() != test.server {
				t.Errorf("%s %s with the host %s, want PATCH %s; the server is %s now", req.Method, got, req.Host, test.want, server)
			}
			want := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
			if diff := cmp.Diff(want, req.Header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			again, err := req.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			for name, reader := range map[string]io.Reader{"Body": req.Body, "GetBody": again} {
				if text, err := io.ReadAll(reader); err != nil || string(text) != rename || req.ContentLength != int64(len(rename)) {
					t.Errorf("%s is %q with the length %d, want %s: %v", name, text, req.ContentLength, rename, err)
				}
			}
			req.Header["Accept"] = append(req.Header["Accept"], "text/html")
			if got := req.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("a second Accept has made Content-Type %q", got)
			}
		})
	}
}

// doer sends nothing.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(req *http.Request) (*http.Response, error) { return d(req) }

func TestEditorsChangeTheRequestInTheirOrder(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "the caller's")
	var order []string
	edit := func(name string) gen.RequestEditorFn {
		return func(ctx context.Context, req *http.Request) error {
			order = append(order, name)
			if ctx.Value(key{}) != "the caller's" || req.Context() != ctx {
				t.Errorf("%s has another context than the call", name)
			}
			req.Header.Set("X-Editor", name)
			return nil
		}
	}
	answer := &http.Response{StatusCode: http.StatusTeapot}
	var sent *http.Request
	client := gen.Client{
		Server:         mustParse(t, "https://host"),
		Client:         doer(func(req *http.Request) (*http.Response, error) { sent = req; return answer, nil }),
		RequestEditors: []gen.RequestEditorFn{edit("first"), edit("second")},
	}
	resp, err := client.PatchConnectedAccountsByNanoid(ctx, "ca_1", body, edit("third"), edit("fourth"))
	if err != nil || resp != answer {
		t.Fatalf("answered %v, %v", resp, err)
	}
	if diff := cmp.Diff([]string{"first", "second", "third", "fourth"}, order); diff != "" {
		t.Errorf("the order of the editors (-want +got):\n%s", diff)
	}
	if sent.Header.Get("X-Editor") != "fourth" || sent.Context() != ctx || !strings.HasSuffix(sent.URL.Path, "/ca_1") {
		t.Errorf("sent %+v", sent)
	}
}

func TestErrorOfAnEditorKeepsTheRequestFromBeingSent(t *testing.T) {
	t.Parallel()
	noKey := errors.New("no key")
	for _, failing := range []int{0, 1, 2} {
		called := make([]bool, 3)
		editors := make([]gen.RequestEditorFn, 3)
		for i := range editors {
			editors[i] = func(context.Context, *http.Request) error {
				called[i] = true
				if i == failing {
					return noKey
				}
				return nil
			}
		}
		client := gen.Client{
			Server:         mustParse(t, "https://host"),
			Client:         doer(func(*http.Request) (*http.Response, error) { t.Error("a request was sent"); return nil, nil }),
			RequestEditors: editors[:2],
		}
		resp, err := client.PatchConnectedAccountsByNanoid(t.Context(), "ca_1", body, editors[2])
		if resp != nil || err != noKey || slices.Index(append(called, false), false) != failing+1 {
			t.Errorf("editor %d: answered %v, %v; called %v", failing, resp, err, called)
		}
	}
}

func TestErrorOfTheClientIsHandedOn(t *testing.T) {
	t.Parallel()
	client := gen.Client{Server: mustParse(t, "https://host"), Client: doer(func(*http.Request) (*http.Response, error) { return nil, io.EOF })}
	if resp, err := client.PatchConnectedAccountsByNanoid(t.Context(), "ca_1", body); resp != nil || err != io.EOF {
		t.Errorf("answered %v, %v", resp, err)
	}
}
