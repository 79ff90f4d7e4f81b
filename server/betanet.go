package server

import "net/http"

// mountBetanet lists the routes of the mix network.
func (s *Server) mountBetanet() {
	s.absent("betanet", http.MethodGet, "/api/betanet/status", "The network and its mix nodes")
	s.absent("betanet", http.MethodPost, "/api/betanet/deploy", "Start a mix node")
}
