package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountSlashes() {
	path := "/api/tokenomics/slashes"
	route(s, "tokenomics", huma.Operation{
		OperationID: "slashes", Method: http.MethodGet, Path: path, Summary: "Slashes, by their names",
		Description: "Those of one operator are for it and for the house, all of them for the house.", Errors: []int{http.StatusForbidden},
	}, s.slashes)
	route(s, "tokenomics", huma.Operation{
		OperationID: "slash", Method: http.MethodGet, Path: path + "/{id}", Summary: "One slash", Errors: []int{http.StatusForbidden},
	}, s.slash)
	move(s, huma.Operation{
		OperationID: "accuse", Path: path, Summary: "Say that an operator has done wrong",
		Description: "When the time for an appeal is over, a part of its pool is taken, and of what has left it since the fault: the harmed " +
			"account gets its loss first, then the insurance its part, and the rest is burned. The request's Idempotency-Key is the " +
			"slash's name. For operators of the house.",
	}, s.accuse)
	s.mountAppeals(path + "/{id}")
}

type slashesInput struct {
	Operator string `query:"operator" maxLength:"128" doc:"Only slashes of this operator; absent: of all."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most slashes in the answer."`
	Cursor   string `query:"cursor" maxLength:"200" doc:"Value of next in the answer before; absent for the first page."`
}

type slashesReply struct {
	Slashes []slashReply `json:"slashes" doc:"One page of slashes."`
	Next    string       `json:"next" doc:"Cursor of the next page; empty at the end."`
}

// slashReply is one slash.
type slashReply struct {
	ID          string            `json:"id" doc:"Its name."`
	Operator    string            `json:"operator" doc:"Account whose pool it is about."`
	Kind        string            `json:"kind" enum:"sla,bad_result" doc:"sla: a promise of service was broken; bad_result: a result was proven wrong."`
	At          time.Time         `json:"at" doc:"When the fault happened."`
	Points      int               `json:"points" doc:"Part of the stake that was asked for, in hundredths of a percent."`
	Harmed      string            `json:"harmed" doc:"Account that is compensated; empty for nobody."`
	Loss        tokenomics.Amount `json:"loss" doc:"Most that it gets, FOG; 0: no limit of its own."`
	Detail      string            `json:"detail" doc:"What has happened."`
	Status      string            `json:"status" enum:"open,appealed,executing,done,dismissed" doc:"open: the operator may appeal; appealed: the house decides, or it is dismissed; executing: the pool has paid, what has left it pays step by step; done; dismissed."`
	OpenedAt    time.Time         `json:"openedAt" doc:"When it was opened."`
	NextAt      *time.Time        `json:"nextAt" doc:"When its status changes by itself; null for never."`
	Appeal      string            `json:"appeal" doc:"What the operator says against it; empty for nothing."`
	Verdict     string            `json:"verdict" doc:"What the house has said; empty for nothing."`
	Applied     int               `json:"applied" doc:"Part that was taken within the cap, in hundredths of a percent; 0 before."`
	Taken       tokenomics.Amount `json:"taken" doc:"Taken so far, FOG: the sum of the next three."`
	Compensated tokenomics.Amount `json:"compensated" doc:"Paid to the harmed account, FOG."`
	Insured     tokenomics.Amount `json:"insured" doc:"Paid to the insurance, FOG."`
	Burned      tokenomics.Amount `json:"burned" doc:"Burned, FOG."`
}

func (s *Server) slashes(ctx context.Context, in *slashesInput) (*slashesReply, error) {
	page, err := s.fog.Tokenomics.Slashes(ctx, tokenomics.Account(in.Operator), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &slashesReply{Slashes: each(page.Slashes, encodeSlash), Next: page.Next}, nil
}

type slashPath struct {
	ID string `path:"id" maxLength:"200" doc:"Name of the slash."`
}

func (s *Server) slash(ctx context.Context, in *slashPath) (*slashReply, error) {
	one, err := s.fog.Tokenomics.Slashed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reply := encodeSlash(one)
	return &reply, nil
}

func encodeSlash(c tokenomics.Slash) slashReply {
	return slashReply{
		ID: c.ID, Operator: string(c.Operator), Kind: string(c.Kind), At: c.At.UTC(), Points: c.Part, Harmed: string(c.Harmed), Loss: c.Loss,
		Detail: c.Detail, Status: string(c.State), OpenedAt: c.Opened.UTC(), NextAt: when(c.Due), Appeal: c.Appeal, Verdict: c.Verdict,
		Applied: c.Applied, Taken: c.Taken, Compensated: c.Compensated, Insured: c.Insured, Burned: c.Burned,
	}
}

type accuseRequest struct {
	Operator string      `json:"operator" minLength:"1" maxLength:"128" doc:"Account whose pool it is about."`
	Kind     string      `json:"kind" enum:"sla,bad_result" doc:"sla: a promise of service was broken; bad_result: a result was proven wrong."`
	At       time.Time   `json:"at" doc:"When the fault happened: not later than now, and not longer ago than the unbonding time."`
	Points   int         `json:"points,omitempty" minimum:"0" maximum:"10000" doc:"Part of the stake, in hundredths of a percent; 0 or absent: what the parameter economics.bad_result or economics.sla says."`
	Harmed   string      `json:"harmed,omitempty" maxLength:"128" doc:"Account that is compensated, not the operator; absent: nobody."`
	Loss     amountInput `json:"loss,omitempty" doc:"Most that it gets, FOG; absent and 0: no limit of its own."`
	Detail   string      `json:"detail,omitempty" maxLength:"256" doc:"What has happened."`
}

func (s *Server) accuse(ctx context.Context, in *moveInput[accuseRequest]) (*slashDone, error) {
	if strings.Contains(in.Key, "/") {
		return nil, wrongField("header."+keyHeader, "must have no slash: it becomes a part of the slash's address")
	}
	r := tokenomics.SlashEvidence{
		ID: in.Key, Operator: tokenomics.Account(in.Body.Operator), Kind: tokenomics.FaultKind(in.Body.Kind), At: in.Body.At,
		Part: in.Body.Points, Harmed: tokenomics.Account(in.Body.Harmed), Loss: in.Body.Loss.value, Detail: in.Body.Detail,
	}
	return slashTo(in.Key, tokenomics.SlashOpen, sole(s.fog.Tokenomics.SlashEvidence(ctx, []tokenomics.SlashEvidence{r})))
}
