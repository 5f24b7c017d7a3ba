package service

import (
	"net/http"
	"testing"
)

// A fake of the service's own, from before Composio's answer had a status. The service does not mind, so its test
// passes; the contract does.
func TestRotateWithAnOutdatedFake(t *testing.T) {
	fake := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true,"id":"ca_1"}`))
	})
	if err := newService(t, fake).Rotate(t.Context(), "ca_1", "new-token"); err != nil {
		t.Error(err)
	}
}
