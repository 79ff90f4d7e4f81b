package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of one connection. A handler that streams moves its own deadlines (stream.go).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
)

// Serve answers on l until ctx ends, then stops in this order: readiness is refused, the drain time passes, l closes, the
// metrics feed ends, held beats are let go, connections without a request close, requests under way get their
// grace. An address that others can reach is refused without a key, and without TLS or a trusted proxy. It always
// closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := s.checkAddress(l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	web, quiet := s.httpServer(), newSilent()
	web.ConnState = quiet.note
	feed, stopFeed := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFeed()
	ended := make(chan error, 2)
	sockets := s.hub.open() // before anybody can ask for it
	go func() { ended <- s.hub.run(feed, sockets) }()
	go func() { ended <- serveHTTP(web, l) }()
	var failure error
	waiting := cap(ended)
	select {
	case <-ctx.Done():
	case failure = <-ended:
		waiting--
	}
	s.shutdown(ctx, web, quiet, stopFeed)
	for ; waiting > 0; waiting-- {
		failure = errors.Join(failure, <-ended)
	}
	return failure
}

// checkAddress refuses combinations that would show the house, or a key, to the network.
func (s *Server) checkAddress(addr net.Addr) error {
	switch {
	case loopbackAddr(addr):
		return nil
	case len(s.config.Keys) == 0:
		return fmt.Errorf("server: %s can be reached from other machines and needs a key", addr)
	case s.config.TLS == nil && len(s.config.TrustedProxies) == 0:
		return fmt.Errorf("server: %s can be reached from other machines and needs TLS or a trusted proxy", addr)
	}
	return nil
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.router,
		TLSConfig:         s.config.TLS,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      max(writeTimeout, 2*s.config.MaxWait),
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// serveHTTP accepts connections until the server is shut down.
func serveHTTP(web *http.Server, l net.Listener) error {
	var err error
	if web.TLSConfig != nil {
		err = web.ServeTLS(l, "", "")
	} else {
		err = web.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("server: serve: %w", err)
}

// shutdown ends what Serve has started. ctx has usually ended already: only its values are used.
func (s *Server) shutdown(ctx context.Context, web *http.Server, quiet *silent, stopFeed func()) {
	s.draining.Store(true)
	ctx = context.WithoutCancel(ctx)
	wait(ctx, s.config.Drain)
	web.RegisterOnShutdown(func() { // no listener is open any more: who is sent away does not come back to this server
		stopFeed()
		s.stop()
		quiet.dismiss()
	})
	ctx, cancel := context.WithTimeout(ctx, s.config.Grace)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		s.log.Warn("requests cut off at the end of the grace", "error", err)
		_ = web.Close()
	}
}

// wait pauses for d.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// held returns a context that also ends when the server lets go of held requests.
func (s *Server) held(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
