package sandbox

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// policy lets the page use its own script, style and routes and nothing else, and nobody frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses what another web site may have sent through its visitor's browser. A name of that site which leads to this
// machine is in Host, its own address in Origin.
func (c *control) guard(r *http.Request) error {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	for _, refused := range []struct {
		is       bool
		why, fix string
	}{
		{!c.knows(r.Host), "The Host header is neither a loopback name nor an allowed host",
			"Use http://127.0.0.1, or allow the host with --allow-host or WithControl"},
		{slices.ContainsFunc(r.Header.Values("Origin"), func(origin string) bool {
			return !strings.EqualFold(origin, scheme+r.Host)
		}), "The Origin header is of another origin", ""},
		{strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Sec-Fetch-Site"), ",")), "cross-site"),
			"Another web site has sent this request", "Enter the address by hand"},
	} {
		if refused.is {
			return &failure{status: http.StatusForbidden, message: refused.why, fix: refused.fix}
		}
	}
	return nil
}

// knows reports whether a Host header is this machine's or allowed, with its port or without.
func (c *control) knows(host string) bool {
	name, port := splitHost(host)
	if addr, err := netip.ParseAddr(name); err == nil && addr.IsLoopback() || name == "localhost" {
		return true
	}
	return slices.ContainsFunc(c.hosts, func(allowed string) bool {
		allowedName, allowedPort := splitHost(allowed)
		return name != "" && name == allowedName && (allowedPort == "" || allowedPort == port)
	})
}

// splitHost returns the name and the port of a host as a browser writes them; an empty name if the host is malformed.
func splitHost(host string) (name, port string) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), ""
	}
	u, err := url.Parse("http://" + host)
	if err != nil {
		return "", ""
	}
	name = strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.String()
	}
	return name, u.Port()
}
