package server

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// header is one response header. Its values are shared between responses and never written to.
type header struct {
	name   string
	values []string
}

// secureHeaders returns what keeps a browser from guessing, framing or leaking. Pages that need more than "nothing
// may be loaded" replace the content policy with their own.
func secureHeaders() []header {
	return []header{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"Cross-Origin-Resource-Policy", []string{"same-site"}},
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
		{"Cache-Control", []string{"no-store"}},
	}
}

// secure sends the secure headers with every response.
func (s *Server) secure(c *gin.Context) {
	h := c.Writer.Header()
	for _, header := range s.headers {
		h[header.name] = header.values
	}
	c.Next()
}

const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Fog-Protocol, Idempotency-Key, Range, X-Request-ID"
	corsExposed = "Content-Range, ETag, Idempotency-Key, Retry-After, X-Request-ID"
)

// cors lets the configured origins read our answers and answers their preflight requests.
func (s *Server) cors(c *gin.Context) {
	origin := c.GetHeader("Origin")
	if origin == "" {
		c.Next()
		return
	}
	h := c.Writer.Header()
	h.Add("Vary", "Origin")
	allowed := slices.Contains(s.config.Origins, origin)
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if c.Request.Method != http.MethodOptions || c.GetHeader("Access-Control-Request-Method") == "" {
		c.Next()
		return
	}
	if !allowed {
		refuse(c, http.StatusForbidden, "this origin may not call the interface")
		return
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
	c.AbortWithStatus(http.StatusNoContent)
}
