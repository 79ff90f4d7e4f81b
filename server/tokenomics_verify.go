package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// verifyTime is how long reading the whole ledger may take.
const verifyTime = 15 * time.Minute

func (s *Server) mountVerify() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "verify", Method: http.MethodPost, Path: "/api/tokenomics/verify", Summary: "Recompute the ledger",
		Description: "Reads it at one moment, from the first movement on, and recomputes hashes, balances, stakes, rewards, votes and sums; " +
			"with the head that /api/tokenomics/head gave once, only the hashes behind that one, several times as fast. " +
			"The time it takes grows with the ledger, so a server does it once at a time: another request meanwhile is refused with 429. " +
			"For operators.",
		Errors:      []int{http.StatusForbidden, http.StatusTooManyRequests},
		Middlewares: huma.Middlewares{patient},
	}, s.verify)
}

// patient lets a request take verifyTime.
func patient(ctx huma.Context, next func(huma.Context)) {
	until := time.Now().Add(verifyTime + writeTimeout)
	control := http.NewResponseController(humagin.Unwrap(ctx).Writer)
	_ = control.SetReadDeadline(until) // as in allowTransfer; what is read here is whether the client is still there
	_ = control.SetWriteDeadline(until)
	next(ctx)
}

type verifyReply struct {
	Whole         bool       `json:"whole" doc:"Whether nothing disagrees."`
	Last          int64      `json:"last" doc:"Number of the latest movement that was read."`
	Hash          chain.Hash `json:"hash" doc:"Hash of its block: what a head that was kept must go back to."`
	Disagreements []string   `json:"disagreements" doc:"The first that were found; empty for none."`
}

type verifyInput struct {
	Last int64      `query:"last" minimum:"0" doc:"Number of the latest movement of a head that was kept."`
	Hash chain.Hash `query:"hash" doc:"Its hash."`
}

func (s *Server) verify(ctx context.Context, in *verifyInput) (*verifyReply, error) {
	if !s.verifying.TryLock() {
		return nil, newProblem(http.StatusTooManyRequests, "the ledger is being verified for somebody else")
	}
	defer s.verifying.Unlock()
	ctx, release := s.held(ctx)
	defer release()
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	audit, err := s.audit(ctx, chain.Head{Last: in.Last, Hash: in.Hash})
	if err != nil {
		return nil, err
	}
	return &verifyReply{
		Whole: len(audit.Found) == 0, Last: audit.Head.Last, Hash: audit.Head.Hash, Disagreements: each(audit.Found, error.Error),
	}, nil
}

// audit verifies everything, or the chain behind a head.
func (s *Server) audit(ctx context.Context, behind chain.Head) (tokenomics.Audit, error) {
	if behind == (chain.Head{}) {
		return s.fog.Tokenomics.Audit(ctx)
	}
	end, err := s.fog.Tokenomics.VerifyChain(ctx, behind)
	if fog.KindOf(err) == fog.KindConflict {
		return tokenomics.Audit{Head: end, Found: []error{err}}, nil
	}
	return tokenomics.Audit{Head: end}, err
}
