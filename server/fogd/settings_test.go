package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func TestSettingsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		part string
	}{
		"unknown flag":           {[]string{"--colour=red"}, "--colour"},
		"no number":              {[]string{"--port=http"}, "--port"},
		"port too high":          {[]string{"--port=70000"}, "--port"},
		"certificate alone":      {[]string{"--tls-cert=x"}, "belong together"},
		"everybody is a proxy":   {[]string{"--trusted-proxies=0.0.0.0/0"}, "trust everybody"},
		"proxy of no address":    {[]string{"--trusted-proxies=proxy"}, "neither an address nor a network"},
		"every origin":           {[]string{"--cors-origins=*"}, "origin"},
		"unknown level":          {[]string{"--log-level=loud"}, "log-level"},
		"origins of broken JSON": {[]string{`--cors-origins=["http://a"`}, "cors-origins"},
		"quote without money":    {[]string{"--token-quote=0.05"}, "0.05 EUR"},
		"quote of nothing":       {[]string{"--token-quote=0 EUR"}, "above 0"},
		"no hash":                {[]string{"--operator-key-hash=abc"}, "64 hexadecimal digits"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), c.args, &out, &errs), name)
		assert.Contains(t, errs.String(), c.part, name)
		assert.True(t, strings.HasPrefix(errs.String(), "fogd: "), name)
	}
}

func TestEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"API_HOST": "::1", "API_PORT": "9001", "DATABASE_URL": "postgresql+asyncpg://u:p@h/db", "FOG_DATA_DIR": "d",
		"CORS_ORIGINS": `["http://a:1","https://b"]`, "FOG_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16", "FOG_LOG_LEVEL": "warn",
		"FOG_TOKEN_QUOTE": "0.05 EUR",
	} {
		t.Setenv(name, value)
	}
	s, err := parse(nil)
	require.NoError(t, err)
	assert.Equal(t, "::1", s.Host)
	assert.EqualValues(t, 9001, s.Port)
	assert.Equal(t, tokenomics.Quote{Price: 50_000, Currency: "EUR"}, s.house(nil).Tokenomics.Quote)
	assert.Equal(t, "postgresql://u:p@h/db", s.DatabaseURL)
	assert.Equal(t, origins{"http://a:1", "https://b"}, s.Origins)
	assert.Equal(t, proxies{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16")}, s.Proxies)
	assert.False(t, s.harvest(), "not with PostgreSQL, unless asked for")

	s, err = parse([]string{"--port=9002", "--harvest", "--cors-origins=http://a,http://b"})
	require.NoError(t, err)
	assert.EqualValues(t, 9002, s.Port, "a flag wins")
	assert.True(t, s.harvest())
	assert.Equal(t, origins{"http://a", "http://b"}, s.Origins)
}
