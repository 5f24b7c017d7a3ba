package service

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/contract"
	"example.com/composio/wrapper/sandbox"
)

// traffic is what all tests send and receive.
var traffic contract.Report

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Println(&traffic)
	if traffic.Err() != nil {
		code = 1
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		_ = traffic.WriteAnnotations(os.Stdout)
	}
	os.Exit(code)
}

// newService returns the service in front of a fake Composio. TestMain judges its traffic.
func newService(t *testing.T, fake http.Handler) *Service {
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	checked := contract.Transport(composio.NewTransport(), contract.Collect(&traffic))
	client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(server.URL),
		composio.WithHTTPClient(&http.Client{Transport: checked}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return &Service{client}
}

func TestRotateTellsThatAnAccountIsGone(t *testing.T) {
	if err := newService(t, sandbox.New()).Rotate(t.Context(), "ca_1", "new-token"); !errors.Is(err, ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
}
