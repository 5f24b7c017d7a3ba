package bulk_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	composio "example.com/composio/wrapper"
	"example.com/composio/wrapper/bulk"
	"example.com/composio/wrapper/sandbox"
)

// Over sockets, against the sandbox. With COMPOSIO_SOAK set (make soak) the windows are of a second and the run takes
// a quarter of a minute each time; without, they are too short for a busy machine to be held to.
func TestRunAgainstSandbox(t *testing.T) {
	soak := os.Getenv("COMPOSIO_SOAK") != ""
	for _, tt := range []struct{ limit, runners int }{{100, 1}, {1000, 1}, {400, 2}} {
		t.Run(fmt.Sprintf("limit=%d,runners=%d", tt.limit, tt.runners), func(t *testing.T) {
			window, each := 20*time.Millisecond, 50
			if soak {
				window, each = time.Second, 10*tt.limit
			}
			box := sandbox.New(sandbox.WithRateLimit(tt.limit, window), sandbox.WithJournal(2*tt.runners*each))
			for i := range each {
				box.Put(sandbox.Account{ID: accountID(i), Scheme: composio.SchemeBearerToken})
			}
			web := httptest.NewServer(box)
			t.Cleanup(web.Close)
			start := time.Now()
			var runs sync.WaitGroup
			for range tt.runners {
				client, err := composio.New(sandbox.DefaultAPIKey, composio.WithBaseURL(web.URL))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.CloseIdleConnections)
				runner := newRunner(t, client)
				runs.Go(func() {
					if n := all(t, runner.Run(t.Context(), accounts(each))); n != each {
						t.Errorf("%d results of %d", n, each)
					}
				})
			}
			runs.Wait()
			took := time.Since(start)
			for i := range each {
				if a, _ := box.Account(accountID(i)); a.Alias != strconv.Itoa(i) {
					t.Errorf("account %d was not updated", i)
				}
			}
			if !soak {
				return
			}
			ideal := time.Duration(float64(tt.runners*each) / (bulk.DefaultShare * float64(tt.limit)) * float64(window))
			requests, updates := len(box.Requests()), tt.runners*each
			t.Logf("%d updates in %d requests took %v, %.1f %% of %v", updates, requests, took, 100*float64(took)/float64(ideal), ideal)
			if requests != updates {
				t.Error("some were refused")
			}
			// Two runs stop short of what they leave to others, and so use a little more than one run's share.
			if took > ideal*105/100 || tt.runners == 1 && took < ideal*95/100 {
				t.Errorf("took %v, want %v", took, ideal)
			}
		})
	}
}
