package service

import (
	"net/http"
	"testing"
)

// outdated is a fake of the service's own, from before Composio's answer had a status. The service does not mind, the
// contract does.
func outdated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"success":true,"id":"ca_1"}`))
}

func TestRotateWithAnOutdatedFake(t *testing.T) {
	if err := newService(t, http.HandlerFunc(outdated)).Rotate(t.Context(), "ca_1", "new-token"); err != nil {
		t.Error(err)
	}
}

func TestRotateWithAnOutdatedFakeChecked(t *testing.T) {
	if err := newCheckedService(t, http.HandlerFunc(outdated)).Rotate(t.Context(), "ca_1", "new-token"); err != nil {
		t.Error(err)
	}
}
