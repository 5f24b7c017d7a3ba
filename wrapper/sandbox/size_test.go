package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/sandbox"
)

const (
	manyAccounts = 10_000
	manyRequests = 100_000
)

// large is a sandbox with many accounts of a few users, and many requests in its journal.
func large(tb testing.TB, opts ...sandbox.Option) *sandbox.Server {
	tb.Helper()
	s := sandbox.New(append(opts, sandbox.WithJournal(manyRequests), sandbox.WithRateLimit(0, 0))...)
	for i := range manyAccounts {
		s.Put(sandbox.Account{
			ID: fmt.Sprint("ca_", i), Toolkit: "github", UserID: fmt.Sprint("user_", i%100), Alias: fmt.Sprint("alias_", i),
			Scheme: composio.SchemeBearerToken, Credentials: map[string]string{"token": "t", "user_agent": "robot"},
		})
	}
	send(s, manyRequests, "/")
	return s
}

func update(tb testing.TB, s *sandbox.Server, body string) {
	if w := serve(tb, s, body); w.Code != 200 {
		tb.Fatalf("%d %s", w.Code, w.Body)
	}
}

// An update costs no more than without the control routes, and no more with many accounts and requests than with few.
func BenchmarkUpdate(b *testing.B) {
	for _, side := range []struct {
		name string
		box  *sandbox.Server
	}{
		{"one account", filled(sandbox.WithRateLimit(0, 0))},
		{"one account, with control", filled(sandbox.WithControl(), sandbox.WithRateLimit(0, 0))},
		{"many accounts", large(b)},
		{"many accounts, with control", large(b, sandbox.WithControl())},
	} {
		for name, body := range map[string]string{"token": tokenBody, "alias": `{"alias":"work"}`} {
			b.Run(side.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					update(b, side.box, body)
				}
			})
		}
	}
}

// A benchmark compares times, which a test cannot. An update allocates no more with the control routes than without, and
// with many accounts and requests than with few, but for one in twenty: the race detector makes pools forget at random.
func TestManyAccountsAndRequestsWithControlRoutes(t *testing.T) {
	s := large(t, sandbox.WithControl())
	for _, body := range []string{tokenBody, `{"alias":"work"}`} {
		cost := func(s *sandbox.Server) float64 {
			return testing.AllocsPerRun(200, func() { update(t, s, body) })
		}
		if with, without := cost(s), cost(filled(sandbox.WithRateLimit(0, 0))); with > without*1.05 {
			t.Errorf("%s: allocates %v times, %v without", body, with, without)
		}
	}
	for path, want := range map[string]int{
		"accounts": 500, "accounts?limit=501": 501, "accounts?limit=20000": manyAccounts,
		"requests": 500, "requests?limit=501": 501, "requests?limit=20000": 20_000,
	} {
		got := record(t, s, "GET", "/_sandbox/"+path, "").Body.String()
		if n := strings.Count(got, `"status":`); n != want {
			t.Errorf("%s has %d", path, n)
		}
		if total := map[byte]int{'a': manyAccounts, 'r': manyRequests}[path[0]]; !strings.HasSuffix(got, fmt.Sprintf(`],"total":%d}`, total)) {
			t.Errorf("%s ends %s", path, got[len(got)-30:])
		}
	}
}
