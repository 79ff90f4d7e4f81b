package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/time/rate"
)

const (
	limitedClients = 16_384           // client networks remembered; the longest silent is forgotten first
	limitMemory    = 10 * time.Minute // and every one after this time
)

// limits holds one token bucket for each client network. nil means no limit.
type limits struct {
	rate    rate.Limit
	burst   int
	local   bool // loopback clients are limited too
	buckets *expirable.LRU[netip.Prefix, *rate.Limiter]
}

func newLimits(config Config) (*limits, error) {
	if config.Rate <= 0 {
		return nil, nil //nolint:nilnil // no limit is a value, and the zero of Config on loopback
	}
	if config.Burst < 1 {
		return nil, fmt.Errorf("server: Burst must be at least 1 beside a Rate")
	}
	return &limits{
		rate: rate.Limit(config.Rate), burst: config.Burst, local: len(config.Keys) == 0,
		buckets: expirable.NewLRU[netip.Prefix, *rate.Limiter](limitedClients, nil, limitMemory),
	}, nil
}

// limit refuses a client that asks too often. Whether the server lives may always be asked: who watches over it must not take it for
// dead because somebody else behind the same address is busy.
func (s *Server) limit(c *gin.Context) {
	if s.limits != nil && !open(c.FullPath()) && !s.limits.allow(c.ClientIP(), s.config.Now()) {
		refuse(c, http.StatusTooManyRequests, "too many requests from this address")
		return
	}
	c.Next()
}

func (l *limits) allow(client string, now time.Time) bool {
	ip, err := netip.ParseAddr(client)
	if err != nil {
		return true // not an IP network: a test or a local socket
	}
	ip = ip.Unmap()
	if ip.IsLoopback() && !l.local {
		return true
	}
	network := netip.PrefixFrom(ip, ip.BitLen())
	if ip.Is6() {
		network, _ = ip.WithZone("").Prefix(64) // one subscriber owns a /64 as a whole
	}
	bucket, ok := l.buckets.Get(network)
	if !ok {
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets.Add(network, bucket)
	}
	return bucket.AllowN(now, 1)
}
