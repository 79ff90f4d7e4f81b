package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
)

// Server answers HTTP for one house. Make it with New; it is safe for concurrent use.
type Server struct {
	fog     *fog.Fog
	config  Config
	log     *slog.Logger
	router  *gin.Engine
	api     huma.API
	spec    func() ([]byte, error)
	access  *access
	limits  *limits
	metrics *metrics
	hub     *hub    // set by mountHub
	assets  *assets // set by mountDocs

	verifying sync.Mutex // held while the ledger is verified

	headers  []header      // sent with every response
	draining atomic.Bool   // readiness is refused: the server is about to stop
	stopping chan struct{} // closed when beats must no longer be held open
	stop     func()        // closes stopping, once
}

// New returns a server for house. It starts nothing and listens nowhere. An error names the field of config that
// cannot work.
func New(house *fog.Fog, config Config) (*Server, error) {
	config, err := config.filled()
	if err != nil {
		return nil, err
	}
	s := &Server{fog: house, config: config, log: config.Logger, headers: secureHeaders()}
	s.stopping = make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.metrics = newMetrics(newHouseMetrics(house))
	if s.access, err = newAccess(config); err != nil {
		return nil, err
	}
	if s.limits, err = newLimits(config); err != nil {
		return nil, err
	}
	if s.router, err = newRouter(config); err != nil {
		return nil, err
	}
	s.router.Use(s.observe, s.secure, s.cors, s.guard, s.limit)
	s.router.NoRoute(unknownRoute)
	s.router.NoMethod(wrongMethod)
	s.api = humagin.New(s.router, describe())
	s.mount()
	s.finishSpec()
	return s, nil
}

// newRouter returns a gin engine that redirects nothing and trusts only the named proxies.
func newRouter(config Config) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode) // otherwise gin prints every route on standard output
	router := gin.New()
	router.HandleMethodNotAllowed = true
	router.RedirectTrailingSlash = false
	router.RemoteIPHeaders = []string{"X-Forwarded-For"}
	proxies := make([]string, len(config.TrustedProxies))
	for i, p := range config.TrustedProxies {
		proxies[i] = p.String()
	}
	if err := router.SetTrustedProxies(proxies); err != nil {
		return nil, fmt.Errorf("server: trusted proxies: %w", err)
	}
	return router, nil
}

// mount adds all routes.
func (s *Server) mount() {
	s.mountHealth()
	s.mountDashboard()
	s.mountScheduler()
	s.mountTokenomics()
	s.mountIdle()
	s.mountBlob()
	s.mountBenchmark()
	s.mountPrivacy()
	s.mountP2P()
	s.mountBetanet()
	s.mountDocs()
	s.mountHub()
	s.mountWeb()
}

// Handler returns the whole interface as one handler. A program that mounts it into a server of its own must also
// call Run, which feeds /ws/metrics.
func (s *Server) Handler() http.Handler { return s.router }

// Run sends the metrics frames of /ws/metrics until ctx ends; Serve calls it itself.
func (s *Server) Run(ctx context.Context) error { return s.hub.Run(ctx) }
