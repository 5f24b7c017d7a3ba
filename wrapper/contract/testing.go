package contract

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
)

// TB is what [Check] needs of a *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Check is [Transport] for the client of one test: each violation of an exchange is an error of t, with the status, the
// place and the rule, such as "response 409 at /error/errors/0: type, want string". No traffic is held up. What is found
// after the end of the test goes to [os.Stderr], since t may not be used then. Functions that were given to t.Cleanup
// before Check was called run after that end.
//
//	checked := contract.Check(t, composio.NewTransport())
//	client, err := composio.New("ak_test", composio.WithBaseURL(url), composio.WithHTTPClient(&http.Client{Transport: checked}))
func Check(t TB, next http.RoundTripper, opts ...Option) http.RoundTripper {
	var mu sync.Mutex
	ended := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
	})
	tell := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			fmt.Fprintln(os.Stderr, text+" (found after the end of its test)")
			return
		}
		t.Helper()
		t.Errorf("%s", text)
	}
	return Transport(next, append(slices.Clone(opts), func(c *config) {
		c.lenient = true
		c.tell = append(c.tell, tell)
	})...)
}
