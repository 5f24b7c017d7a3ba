package service

import (
	"net/http"
	"net/http/httptest"
	"testing"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

// newCheckedService returns the service in front of a fake Composio. Traffic that breaks the contract fails t.
func newCheckedService(t *testing.T, fake http.Handler) *Service {
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	checked := contract.Check(t, composio.NewTransport())
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(server.URL),
		composio.WithHTTPClient(&http.Client{Transport: checked}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return &Service{client}
}

func TestRotateReplacesTheToken(t *testing.T) {
	box := sandbox.New()
	box.Put(sandbox.Account{ID: "ca_1", Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": "old-token"}})
	if err := newCheckedService(t, box).Rotate(t.Context(), "ca_1", "new-token"); err != nil {
		t.Fatal(err)
	}
	if account, _ := box.Account("ca_1"); account.Credentials["token"] != "new-token" {
		t.Errorf("the token was not replaced: %v", box.Requests())
	}
}
