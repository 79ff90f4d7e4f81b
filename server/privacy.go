package server

import "net/http"

// mountPrivacy lists the routes of the circuits.
func (s *Server) mountPrivacy() {
	s.absent("privacy", http.MethodGet, "/api/privacy/stats", "Circuits and their health")
	s.absent("privacy", http.MethodGet, "/api/privacy/circuits", "Open circuits")
}
