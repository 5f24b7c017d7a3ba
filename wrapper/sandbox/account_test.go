package sandbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

func TestAccountsAreCopied(t *testing.T) {
	s := sandbox.New()
	spoil := func(a sandbox.Account) {
		a.Credentials["token"], a.AllowedUserIDs[0], a.NotAllowedUserIDs[0] = "x", "x", "x"
	}
	in := bearer("ca_1")
	s.Put(in)
	spoil(in)
	wantStored(t, s, bearer("ca_1"))
	out, _ := s.Account("ca_1")
	before := out
	spoil(out)
	wantStored(t, s, bearer("ca_1"))
	// What was read does not change with an update either.
	before.Credentials["token"] = "old"
	patch(t, s, "ca_1", `{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":"new"}}}}`)
	if before.Credentials["token"] != "old" {
		t.Error("an update changed a copy")
	}
}

func TestPutReplaces(t *testing.T) {
	s := sandbox.New()
	s.Put(bearer("ca_1"))
	s.Put(sandbox.Account{ID: "ca_1", Scheme: composio.SchemeBasic})
	wantStored(t, s, sandbox.Account{ID: "ca_1", Scheme: composio.SchemeBasic, Status: composio.StatusActive})
}

func TestUnknownAccount(t *testing.T) {
	got, ok := sandbox.New().Account("ca_1")
	if diff := cmp.Diff(sandbox.Account{}, got); diff != "" || ok {
		t.Errorf("got %v, %v", got, ok)
	}
}
