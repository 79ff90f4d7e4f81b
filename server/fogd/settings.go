package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/server"
)

// settings are the flags of the program; each can be given by the environment as well, and a flag wins.
type settings struct {
	Host        string  `default:"127.0.0.1" env:"API_HOST" help:"Address to listen on. Any but a loopback address is served with TLS and asks for a key."`
	Port        uint16  `default:"8000" env:"API_PORT" help:"Port to listen on; 0 picks a free one."`
	DatabaseURL string  `env:"DATABASE_URL" help:"PostgreSQL, postgres://user:password@host/name; empty: an SQLite file in the data folder."`
	DataDir     string  `default:"fog-data" env:"FOG_DATA_DIR" help:"Folder for the embedded database, blobs, the key's hash and the certificate."`
	Origins     origins `name:"cors-origins" env:"CORS_ORIGINS" help:"Web origins that may call the interface: a JSON list or a comma list. Default: port 3000 on this machine."`
	BetanetURL  string  `env:"BETANET_URL" help:"Address of a betanet service; this build cannot use one."`

	Lease    time.Duration `env:"FOG_LEASE" help:"How long a device may say nothing of an attempt before it is tried elsewhere. Default: 30s."`
	Interval time.Duration `env:"FOG_INTERVAL" help:"How often a device without news beats. Default: 5s."`
	Presence time.Duration `env:"FOG_PRESENCE" help:"Silence after which a device counts as lost. Default: three intervals."`

	Harvest *bool `negatable:"" env:"FOG_HARVEST" help:"Run jobs on this machine too. Default: with the embedded database."`

	Quote quote `name:"token-quote" env:"FOG_TOKEN_QUOTE" help:"What one FOG is worth outside, such as '0.05 EUR', for the figures alone. Default: nothing."`

	TLSCert string  `env:"FOG_TLS_CERT" help:"Certificate, PEM. Default off loopback: one of our own, made at first start."`
	TLSKey  string  `env:"FOG_TLS_KEY" help:"Private key of the certificate, PEM."`
	Proxies proxies `name:"trusted-proxies" env:"FOG_TRUSTED_PROXIES" help:"Addresses or networks of proxies that end TLS for us, comma separated."`
	KeyHash string  `name:"operator-key-hash" env:"FOG_OPERATOR_KEY_HASH" help:"SHA-256 of the operator's key in hexadecimal, for several servers with one key. Default: kept in the data folder."`
	Rate    float64 `name:"rate-limit" env:"FOG_RATE_LIMIT" help:"Requests a second from one address; 0: none on loopback, 50 elsewhere; negative: none."`

	LogLevel slog.Level `default:"info" env:"FOG_LOG_LEVEL" help:"debug, info, warn or error. The log goes to standard error, one JSON object a line."`
	Version  bool       `help:"Print the version and end."`
}

// parse reads flags and environment.
func parse(args []string, options ...kong.Option) (settings, error) {
	var s settings
	options = append(options, kong.Name("fogd"), kong.Description("The fog compute server: REST, WebSocket and dashboard over one house of engines."))
	parser, err := kong.New(&s, options...)
	if err != nil {
		return s, err
	}
	if _, err := parser.Parse(args); err != nil {
		return s, err
	}
	return s, s.check()
}

// check refuses settings that contradict each other.
func (s *settings) check() error {
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key belong together")
	}
	for _, p := range s.Proxies {
		if p.Bits() == 0 {
			return fmt.Errorf("--trusted-proxies %s would trust everybody", p)
		}
	}
	if err := (server.Config{Origins: s.Origins}).Validate(); err != nil {
		return err
	}
	if s.KeyHash != "" {
		if _, err := server.ParseKeyHash(s.KeyHash); err != nil {
			return fmt.Errorf("--operator-key-hash: %w", err)
		}
	}
	if s.Lease < 0 {
		return fmt.Errorf("--lease %s is negative", s.Lease)
	}
	if err := s.house(nil).Idle.Validate(); err != nil {
		return err
	}
	// The first release of the platform named the driver in the URL.
	s.DatabaseURL = strings.Replace(s.DatabaseURL, "postgresql+asyncpg://", "postgresql://", 1)
	return nil
}

// house is the configuration of the house. A placed attempt is fetched at the next beat: half a lease is patience enough.
func (s *settings) house(log *slog.Logger) fog.Config {
	return fog.Config{
		DatabaseURL: s.DatabaseURL, DataDir: s.DataDir, Logger: log,
		Scheduler: scheduler.Config{Lease: s.Lease, PickUp: s.Lease / 2},
		Idle:      idle.Config{Interval: s.Interval, Presence: s.Presence},

		Tokenomics: tokenomics.Config{Quote: tokenomics.Quote(s.Quote)},
	}
}

// harvest reports whether this machine runs jobs too.
func (s *settings) harvest() bool {
	if s.Harvest != nil {
		return *s.Harvest
	}
	return s.DatabaseURL == ""
}

// quote is a price and a currency.
type quote tokenomics.Quote

// UnmarshalText implements encoding.TextUnmarshaler.
func (q *quote) UnmarshalText(text []byte) error {
	read, err := tokenomics.ParseQuote(string(text))
	*q = quote(read)
	return err
}

// origins is a JSON list or a comma list.
type origins []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *origins) UnmarshalText(text []byte) error {
	*o = origins{}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "[") {
		return json.Unmarshal(text, (*[]string)(o))
	}
	*o = append(*o, split(string(text))...)
	return nil
}

// proxies is a comma list of addresses and networks.
type proxies []netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *proxies) UnmarshalText(text []byte) error {
	*p = nil
	for _, word := range split(string(text)) {
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			ip, err := netip.ParseAddr(word)
			if err != nil {
				return fmt.Errorf("%q is neither an address nor a network", word)
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		*p = append(*p, prefix)
	}
	return nil
}

// split cuts a comma list and drops what is empty.
func split(list string) []string {
	var words []string
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
