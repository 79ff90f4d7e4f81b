package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

// serve opens the house, answers until ctx ends, and closes it again.
func serve(ctx context.Context, s settings, out, errs io.Writer) (err error) {
	log := slog.New(slog.NewJSONHandler(errs, &slog.HandlerOptions{Level: s.LogLevel}))
	if s.BetanetURL != "" {
		log.Warn("BETANET_URL is set, but betanet is not part of this build")
	}
	listener, err := listen(s)
	if err != nil {
		return err
	}
	defer listener.Close() // usually closed by the server already
	config, url, err := secure(s, listener.Addr(), out)
	if err != nil {
		return err
	}
	key := ownKey(&config)
	config.Logger = log
	house, err := fog.Open(ctx, s.house(log))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	web, err := server.New(house, config)
	if err != nil {
		return err
	}
	say(out, "fogd %s answers at %s", fog.Version, url)
	serving := func(ctx context.Context) error { return web.Serve(ctx, listener) }
	return together(ctx, serving, func(ctx context.Context) { harvest(ctx, s, web.Local(), key, log) })
}

// together serves and harvests until ctx ends or serving fails. The agent ends first: its last beat, which gives its
// work back, needs the server.
func together(ctx context.Context, serve func(context.Context) error, harvest func(context.Context)) error {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	harvesting, stopHarvesting := context.WithCancel(ctx)
	defer stopHarvesting()
	served, harvested := make(chan error, 1), make(chan struct{})
	go func() { served <- serve(serving) }()
	go func() {
		defer close(harvested)
		harvest(harvesting)
	}()
	select {
	case <-ctx.Done():
		<-harvested
		stopServing()
		return <-served
	case err := <-served:
		stopHarvesting()
		<-harvested
		return err
	}
}

// listen opens the port and says plainly why it cannot.
func listen(s settings) (net.Listener, error) {
	address := net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program; choose another port with --port or API_PORT", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s; choose a port from 1024 on", address)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// secure decides what the address needs: nothing on loopback, else a key, and TLS or a trusted proxy. It returns the
// URL under which this machine reaches the server.
func secure(s settings, addr net.Addr, out io.Writer) (config server.Config, url string, err error) {
	config = server.Config{TrustedProxies: s.Proxies, Origins: s.Origins, Rate: s.Rate}
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return config, "", fmt.Errorf("listen: %w", err)
	}
	local := at.Addr().Unmap().IsLoopback()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	if !local || len(s.Proxies) > 0 {
		if err := operatorKey(s, &config, out); err != nil {
			return config, "", err
		}
	}
	switch {
	case s.TLSCert != "":
		config.TLS, err = server.LoadTLS(s.TLSCert, s.TLSKey)
	case !local && len(s.Proxies) == 0:
		config.TLS, err = server.OwnTLS(s.DataDir, names(s.Host), time.Now())
	default:
		return config, "http://" + at.String(), nil
	}
	return config, "https://" + at.String(), err
}

// operatorKey finds the hash of the operator's key, or makes a key and shows it.
func operatorKey(s settings, config *server.Config, out io.Writer) error {
	if s.KeyHash != "" {
		hash, err := server.ParseKeyHash(s.KeyHash)
		config.Keys = []server.KeyHash{hash}
		return err
	}
	hash, fresh, err := server.OperatorKey(s.DataDir)
	if fresh != "" {
		say(out, "operator key, shown this once: %s", fresh)
	}
	config.Keys = []server.KeyHash{hash}
	return err
}

// say prints a line. Nobody may be there to read it, and the server works all the same.
func say(out io.Writer, format string, a ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", a...)
}

// names lists what our own certificate is valid for: this machine's names and addresses.
func names(host string) []string {
	all := []string{"localhost", "127.0.0.1", "::1", host}
	if name, err := os.Hostname(); err == nil {
		all = append(all, name)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return all
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok {
			all = append(all, network.IP.String())
		}
	}
	return all
}
