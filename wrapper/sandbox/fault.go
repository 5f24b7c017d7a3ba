package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// WithFaults has requests meet one of faults at random: the rate says how many, from 0, none, to 1, all of them, and
// every fault is as likely as another. Two servers with the same options and the same seed draw alike for requests that
// come in the same order. Given more than once, the rates add up, to no more than 1, and the last seed counts.
//
// Scripted answers come first, and neither a request that the document forbids nor one beyond the rate limit meets a
// fault.
func WithFaults(seed uint64, rate float64, faults ...Answer) Option {
	return func(s *Server) {
		all := s.chance.faults
		for _, f := range faults {
			if rate > 0 {
				all = append(all, likely{f.clone(), rate / float64(len(faults))})
			}
		}
		s.chance = newChance(seed, all)
	}
}

// chance draws faults.
type chance struct {
	seed   uint64
	dice   *rand.Rand
	faults []likely
}

// likely is a fault and the part of all requests that meets it.
type likely struct {
	Answer
	rate float64
}

func newChance(seed uint64, faults []likely) chance {
	return chance{seed, rand.New(rand.NewPCG(seed, 0)), faults}
}

func (c *chance) draw() (Answer, bool) {
	at := c.dice.Float64()
	for _, f := range c.faults {
		if at < f.rate {
			return f.Answer, true
		}
		at -= f.rate
	}
	return Answer{}, false
}

// Faults returns the ready faults that the package page lists, by their names and in the order asked for; without names
// all of them. An error says which names there are. What is returned is the caller's, to change a delay or a header.
func Faults(names ...string) ([]Answer, error) {
	all := readyFaults()
	if len(names) == 0 {
		return all, nil
	}
	var found []Answer
	for _, name := range names {
		i := slices.Index(namesOf(all), name)
		if i < 0 {
			return nil, fmt.Errorf("composio: the sandbox has no fault %.64q; it has %s", name, strings.Join(namesOf(all), ", "))
		}
		found = append(found, all[i].clone())
	}
	return found, nil
}

func namesOf(faults []Answer) (names []string) {
	for _, f := range faults {
		names = append(names, f.Name)
	}
	return names
}

const forever = time.Duration(math.MaxInt64)

// readyFaults returns the faults that have names.
func readyFaults() []Answer {
	all := []Answer{
		{Name: "close-before", Break: BreakBeforeHeader},
		{Name: "close-during", Break: BreakWhileApplying, Apply: true},
		{Name: "close-after", Break: BreakBeforeHeader, Apply: true},
		{Name: "cut", Break: BreakInBody, Apply: true},
		{Name: "hang", Delay: forever, Apply: true},
		{Name: "stall", BodyDelay: forever, Apply: true},
		{Name: "slow", Delay: time.Second, Apply: true},
		{Name: "slow-body", BodyDelay: time.Second, Apply: true},
		{Name: "length-short", Header: http.Header{"Content-Length": {"10"}}, Apply: true},
		{Name: "length-long", Header: http.Header{"Content-Length": {"100000"}}, Apply: true},
		{Name: "media-type", Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Apply: true},
		{Name: "gzip", Gzip: true, Apply: true},
		{Name: "goaway", Header: http.Header{"Connection": {"close"}}, Apply: true},
		{Name: "empty", Status: http.StatusOK, Apply: true},
		gatewayFault("html", http.StatusOK, true),
		{
			Name: "rate-limit", Status: http.StatusTooManyRequests,
			Header: http.Header{
				"X-Ratelimit": {"2000"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Window-Size": {"60s"}, "Retry-After": {"1"},
			},
			Body: `{"message":"Rate limit exceeded. Limit: 2000 requests per 1 minutes"}`,
		},
		{
			Name: "rate-limit-bare", Status: http.StatusTooManyRequests,
			Header: http.Header{"X-Ratelimit": nil, "X-Ratelimit-Remaining": nil, "X-Ratelimit-Window-Size": nil},
			Body:   `{"error":{"message":"Rate limit exceeded","code":10429,"slug":"HTTP_TooManyRequests","status":429}}`,
		},
		{
			Name: "conflict", Status: http.StatusConflict,
			Body: `{"error":{"message":"Another update of this connected account is under way","code":600,"slug":"ConnectedAccount_Conflict","status":409}}`,
		},
		gatewayFault("408", http.StatusRequestTimeout, false),
	}
	for _, f := range []Answer{
		{
			Name: "500", Status: http.StatusInternalServerError,
			Body: `{"error":{"message":"Internal server error","code":10500,"slug":"HTTP_InternalServerError","status":500}}`,
		},
		gatewayFault("502", http.StatusBadGateway, false),
		gatewayFault("503", http.StatusServiceUnavailable, false),
		gatewayFault("504", http.StatusGatewayTimeout, false),
	} {
		all = append(all, f)
		f.Name, f.Apply = f.Name+"-applied", true
		all = append(all, f)
	}
	return all
}

// gatewayFault is a page of something between the client and Composio.
func gatewayFault(name string, status int, apply bool) Answer {
	return Answer{Name: name, Status: status, Header: http.Header{"Content-Type": {pageType}}, Body: page(status), Apply: apply}
}
