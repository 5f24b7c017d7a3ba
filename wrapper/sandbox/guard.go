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
// machine is in Host, its own address in Origin. Another port of this machine is same-site, and only a link to the page.
func (c *control) guard(r *http.Request) error {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if !c.knows(r.Host) {
		return &failure{
			status: http.StatusForbidden, message: "The Host header is neither a loopback name nor an allowed host",
			fix: "Use the address that the sandbox prints, or allow the host with --allow-host or WithControl",
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, scheme+r.Host) {
			return &failure{status: http.StatusForbidden, message: "The Origin header is of another origin"}
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" && site != "same-site" {
			return errOtherSite
		}
	}
	return nil
}

// errOtherSite is the answer to a browser whose page is another site's.
var errOtherSite = &failure{status: http.StatusForbidden, message: "Another web site has sent this request", fix: "Enter the address by hand"}

// knows reports whether a Host header is this machine's or allowed, with its port or without. Browsers leave out the port
// of the scheme, which a proxy in front may have changed.
func (c *control) knows(host string) bool {
	name, port := splitHost(host)
	if addr, err := netip.ParseAddr(name); err == nil && addr.IsLoopback() || name == "localhost" {
		return true
	}
	return slices.ContainsFunc(c.hosts, func(allowed string) bool {
		allowedName, allowedPort := splitHost(allowed)
		return name != "" && name == allowedName && (allowedPort == "" || allowedPort == port ||
			port == "" && (allowedPort == "80" || allowedPort == "443"))
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
