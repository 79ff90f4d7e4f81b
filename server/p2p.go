package server

import "net/http"

// mountP2P lists the routes of the messages between peers.
func (s *Server) mountP2P() {
	s.absent("p2p", http.MethodGet, "/api/p2p/stats", "Peers, links and messages")
}
