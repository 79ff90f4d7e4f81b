package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// Config says how a Server meets the network. The zero value serves loopback clients without a key and accepts the
// control panel's development origins.
type Config struct {
	// Keys are the SHA-256 hashes of the keys that open the interface, as made by HashKey. With none, only loopback
	// addresses are served, no key is asked and the Host header must name a loopback host.
	Keys []KeyHash
	// TLS holds the certificate for addresses other than loopback. nil means plain HTTP.
	TLS *tls.Config
	// TrustedProxies are the addresses or networks whose X-Forwarded-For is believed and which may reach a
	// non-loopback address without TLS. nil trusts nobody.
	TrustedProxies []netip.Prefix
	// Origins are the web origins that browsers may call us from, with credentials. nil means
	// http://localhost:3000 and http://127.0.0.1:3000; an empty, non-nil list allows none but our own.
	Origins []string
	// Rate is how many requests one client address may send in a second, Burst how many at once. Zero means no
	// limit on loopback and 50 with a burst of 200 elsewhere; negative means no limit anywhere.
	Rate  float64
	Burst int
	// MaxBody is the largest JSON request in bytes; zero means 1 MiB.
	MaxBody int64
	// MaxWait is the longest time that a device's beat is held open for work; zero means 30 s.
	MaxWait time.Duration
	// Drain is how long readiness is refused before the listener closes, so that a load balancer notices; zero
	// closes at once. Grace is how long requests under way may take to end; zero means 10 s.
	Drain, Grace time.Duration
	// Logger receives one line a request and the server's own messages; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Validate names the first field that cannot work, and is nil for a configuration that New takes.
func (c Config) Validate() error {
	_, err := c.filled()
	return err
}

// filled returns the configuration with its defaults set, or the first field that cannot work.
func (c Config) filled() (Config, error) {
	if c.Origins == nil {
		c.Origins = []string{"http://localhost:3000", "http://127.0.0.1:3000"}
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			return c, err
		}
	}
	if len(c.TrustedProxies) > 0 && len(c.Keys) == 0 {
		return c, fmt.Errorf("server: behind a proxy every client looks local, so Keys must not be empty")
	}
	c.MaxBody = or(c.MaxBody, 1<<20)
	c.MaxWait = or(c.MaxWait, 30*time.Second)
	c.Grace = or(c.Grace, 10*time.Second)
	if c.MaxBody < 0 || c.MaxWait < 0 || c.Grace < 0 || c.Drain < 0 || c.Burst < 0 {
		return c, fmt.Errorf("server: MaxBody, MaxWait, Grace, Drain and Burst must not be negative")
	}
	if c.Rate == 0 && len(c.Keys) > 0 {
		c.Rate, c.Burst = 50, or(c.Burst, 200)
	}
	if c.Rate > 0 {
		c.Burst = or(c.Burst, max(1, int(c.Rate)))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// checkOrigin accepts what a browser sends as Origin: scheme and host, nothing behind them, no wildcard, because
// credentials are allowed.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("server: origin %q must have the form https://host or https://host:port", origin)
	}
	return nil
}

// or returns value, or fallback where value is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
