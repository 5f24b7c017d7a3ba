package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/composio/wrapper/sandbox"
)

func TestFaultsAreFoundByName(t *testing.T) {
	all, err := sandbox.Faults()
	if err != nil || len(all) != len(faultRows) {
		t.Fatalf("%d faults, want %d: %v", len(all), len(faultRows), err)
	}
	for i, tt := range faultRows {
		if all[i].Name != tt.name {
			t.Errorf("fault %d is %s, want %s", i, all[i].Name, tt.name)
		}
	}
	some, err := sandbox.Faults("hang", "503", "hang")
	if err != nil || len(some) != 3 || some[0].Name+some[1].Name+some[2].Name != "hang503hang" {
		t.Errorf("got %v, %v", some, err)
	}
	got, err := sandbox.Faults("503", "no such")
	if err == nil || got != nil || !strings.HasPrefix(err.Error(), `composio: the sandbox has no fault "no such"; it has close-before, close-during, `) {
		t.Errorf("got %v, %v", got, err)
	}
}

// meets returns the faults that n requests met.
func meets(t *testing.T, s *sandbox.Server, n int) []string {
	for range n {
		record(t, s, "GET", "/", "")
	}
	var met []string
	for _, q := range s.Requests() {
		met = append(met, q.Fault)
	}
	return met
}

func TestWithFaultsStrikesAtItsRate(t *testing.T) {
	a, b, c := sandbox.Answer{Name: "a"}, sandbox.Answer{Name: "b"}, sandbox.Answer{Name: "c"}
	for name, tt := range map[string]struct {
		opts []sandbox.Option
		want [3]int // of 1,000
	}{
		"one":             {[]sandbox.Option{sandbox.WithFaults(1, 0.2, a)}, [3]int{200, 0, 0}},
		"two alike":       {[]sandbox.Option{sandbox.WithFaults(1, 0.4, a, b)}, [3]int{200, 200, 0}},
		"rates add up":    {[]sandbox.Option{sandbox.WithFaults(1, 0.2, a), sandbox.WithFaults(1, 0.5, b, c)}, [3]int{200, 250, 250}},
		"all":             {[]sandbox.Option{sandbox.WithFaults(1, 1, a)}, [3]int{1000, 0, 0}},
		"more than all":   {[]sandbox.Option{sandbox.WithFaults(1, 0.7, a), sandbox.WithFaults(1, 5, b), sandbox.WithFaults(1, 1, c)}, [3]int{700, 300, 0}},
		"none":            {[]sandbox.Option{sandbox.WithFaults(1, 0, a)}, [3]int{}},
		"less than none":  {[]sandbox.Option{sandbox.WithFaults(1, -1, a), sandbox.WithFaults(1, 0.2, b)}, [3]int{0, 200, 0}},
		"without a fault": {[]sandbox.Option{sandbox.WithFaults(1, 1), sandbox.WithFaults(1, 0.2, b)}, [3]int{0, 200, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			met := strings.Join(meets(t, sandbox.New(tt.opts...), 1000), ",")
			for i, name := range []string{"a", "b", "c"} {
				got, want := strings.Count(met, name), tt.want[i]
				exact := want == 0 || want == 1000
				if got != want && (exact || got < want-50 || got > want+50) { // more than three standard deviations
					t.Errorf("%s struck %d times of 1,000, want about %d", name, got, want)
				}
			}
		})
	}
}

func TestWithFaultsRepeatsItself(t *testing.T) {
	a, b := sandbox.Answer{Name: "a"}, sandbox.Answer{Name: "b"}
	with := func(seeds ...uint64) []string {
		var opts []sandbox.Option
		for _, seed := range seeds {
			opts = append(opts, sandbox.WithFaults(seed, 0.25, a, b))
		}
		return meets(t, sandbox.New(opts...), 100)
	}
	if slices.Equal(with(7), with(8)) {
		t.Error("another seed makes no difference")
	}
	if diff := cmp.Diff(with(9, 7), with(8, 7)); diff != "" {
		t.Errorf("the last seed alone does not decide (-one +other):\n%s", diff)
	}
}
