package server

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// KeyHash is the SHA-256 of a key. Keys hold 256 random bits, so a plain hash of them cannot be searched.
type KeyHash [sha256.Size]byte

// NewKey returns a fresh key, 64 hexadecimal digits behind the prefix "fog_".
func NewKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return "fog_" + hex.EncodeToString(raw)
}

// HashKey returns the hash of a key, the only form in which a server keeps it.
func HashKey(key string) KeyHash { return sha256.Sum256([]byte(key)) }

// ParseKeyHash reads the hexadecimal form of a hash.
func ParseKeyHash(text string) (KeyHash, error) {
	var hash KeyHash
	raw, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != len(hash) {
		return hash, fmt.Errorf("server: a key's hash is %d hexadecimal digits", 2*len(hash))
	}
	copy(hash[:], raw)
	return hash, nil
}

// String returns the hexadecimal form.
func (h KeyHash) String() string { return hex.EncodeToString(h[:]) }

// access decides who may talk to the server.
type access struct {
	keys    []KeyHash // none: loopback clients only, without a key
	proxies []netip.Prefix
	foreign *http.CrossOriginProtection
}

func newAccess(config Config) (*access, error) {
	a := &access{keys: config.Keys, proxies: config.TrustedProxies, foreign: http.NewCrossOriginProtection()}
	for _, origin := range config.Origins {
		if err := a.foreign.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("server: origin %q: %w", origin, err)
		}
	}
	return a, nil
}

// open reports whether a route answers without a key: the probes of a load balancer, which tell nothing about users.
func open(route string) bool { return route == "/health" || route == "/ready" }

// guard lets a request through when it comes from who it must, and says in whose name it acts.
func (s *Server) guard(c *gin.Context) {
	status, reason := s.access.judge(c.Request, c.FullPath())
	if status == http.StatusUnauthorized {
		challenge(c)
	}
	if status != 0 {
		refuse(c, status, reason)
		return
	}
	c.Request = c.Request.WithContext(principal.With(c.Request.Context(), principal.Local()))
	c.Next()
}

// challenge asks for the key. A browser that opens a page is offered the form that it has a dialogue for.
func challenge(c *gin.Context) {
	c.Writer.Header().Add("WWW-Authenticate", `Bearer realm="fog"`)
	if strings.Contains(c.GetHeader("Accept"), "text/html") {
		c.Writer.Header().Add("WWW-Authenticate", `Basic realm="fog: any name, the key as password", charset="UTF-8"`)
	}
}

// judge returns 0, or the status and reason of a refusal.
func (a *access) judge(r *http.Request, route string) (status int, reason string) {
	if len(a.keys) == 0 {
		status, reason = judgeLocal(r)
	} else {
		status, reason = a.judgeRemote(r, route)
	}
	if status == 0 && a.foreign.Check(r) != nil {
		return http.StatusForbidden, "a page of another origin may not send this request"
	}
	return status, reason
}

// judgeLocal is the rule without keys: the connection must end on a loopback address, and the Host header must name
// one, or else a page whose name was rebound to 127.0.0.1 could talk to us through its visitor's browser.
func judgeLocal(r *http.Request) (status int, reason string) {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && !loopbackAddr(local) {
		return http.StatusForbidden, "without a key this server answers on loopback addresses only"
	}
	if !loopbackHost(r.Host) {
		return http.StatusMisdirectedRequest, "the Host header must name a loopback host, such as localhost"
	}
	return 0, ""
}

// judgeRemote is the rule with keys: an encrypted connection or a trusted proxy or this machine, and a known key.
func (a *access) judgeRemote(r *http.Request, route string) (status int, reason string) {
	if open(route) {
		return 0, ""
	}
	if r.TLS == nil && !a.near(r.RemoteAddr) {
		return http.StatusForbidden, "a key must not cross the network in clear: use https"
	}
	key := keyOf(r)
	if key == "" {
		return http.StatusUnauthorized, "this server asks for a key: Authorization: Bearer and the key"
	}
	if !a.knows(HashKey(key)) {
		return http.StatusUnauthorized, "the key is not known"
	}
	return 0, ""
}

// near reports whether a plain connection may be trusted: it comes from this machine or from a named proxy.
func (a *access) near(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	ip := from.Addr().Unmap()
	for _, proxy := range a.proxies {
		if proxy.Contains(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}

// knows compares with every key in constant time.
func (a *access) knows(hash KeyHash) bool {
	found := 0
	for _, key := range a.keys {
		found |= subtle.ConstantTimeCompare(key[:], hash[:])
	}
	return found == 1
}

// keyOf returns the key of a request: the bearer token, or the password that a browser asked its user for.
func keyOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// loopbackHost reports whether a Host header, with or without port, names this machine.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// loopbackAddr reports whether a listener's or connection's own address is reachable from this machine only.
func loopbackAddr(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	default:
		ap, err := netip.ParseAddrPort(addr.String())
		return err == nil && ap.Addr().Unmap().IsLoopback()
	}
}
