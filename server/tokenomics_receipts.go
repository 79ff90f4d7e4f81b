package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

func (s *Server) mountReceipts() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "receipt", Method: http.MethodGet, Path: "/api/tokenomics/receipt", Summary: "Proof that a request was carried out",
		Description: "It can be checked without the ledger: data hashes to the leaf, the proof leads from there to the root of its block, and " +
			"the block's hash is what a head that was kept goes back to. It is for everybody whose account the movement touches.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.receipt)
	route(s, "tokenomics", huma.Operation{
		OperationID: "head", Method: http.MethodGet, Path: "/api/tokenomics/head", Summary: "Where the ledger stands",
		Description: "Kept elsewhere, it shows later that nothing before it was changed. For operators.",
		Errors:      []int{http.StatusForbidden},
	}, s.head)
}

type receiptInput struct {
	Op  string `query:"op" required:"true" minLength:"1" maxLength:"128" doc:"What the request did: transfer, stake, capture and so on."`
	Key string `query:"key" required:"true" minLength:"1" maxLength:"200" doc:"Its Idempotency-Key; of a hold the job."`
}

type receiptReply struct {
	Movement movementReply `json:"movement" doc:"What data says."`
	Data     base64Bytes   `json:"data" doc:"The movement as it was hashed, in base64."`
	Proof    chain.Receipt `json:"proof" doc:"Its way up to the hash of its block (RFC 6962)."`
}

func (s *Server) receipt(ctx context.Context, in *receiptInput) (*receiptReply, error) {
	r, err := s.fog.Tokenomics.Receipt(ctx, tokenomics.Op(in.Op), in.Key)
	if err != nil {
		return nil, err
	}
	m, err := r.Verify()
	if err != nil {
		return nil, err
	}
	return &receiptReply{Movement: encodeMovement(m), Data: r.Data, Proof: r.Proof}, nil
}

type headReply struct {
	Last int64      `json:"last" doc:"Number of the latest movement; 0: there is none."`
	Hash chain.Hash `json:"hash" doc:"Hash of the latest block, 64 hexadecimal digits."`
}

func (s *Server) head(ctx context.Context, _ *struct{}) (*headReply, error) {
	head, err := s.fog.Tokenomics.Head(ctx)
	if err != nil {
		return nil, err
	}
	return &headReply{Last: head.Last, Hash: head.Hash}, nil
}

// hashSchema is how chain.Hash looks in JSON.
type hashSchema struct{}

// Schema implements huma.SchemaProvider.
func (hashSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{64}$", Description: "SHA-256 in hexadecimal digits."}
}
