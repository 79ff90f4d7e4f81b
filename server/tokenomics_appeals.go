package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountAppeals(path string) {
	act := func(name, summary, description string, handle func(context.Context, *decisionInput) (*slashDone, error)) {
		route(s, "tokenomics", huma.Operation{
			OperationID: name, Method: http.MethodPost, Path: path + "/" + name, Summary: summary,
			Description: description + " The same request again answers as before; another text is refused with 409.",
			Errors:      []int{http.StatusForbidden, http.StatusConflict},
		}, handle)
	}
	act("appeal", "Appeal against a slash", "The operator may, once and before its window is over. Then the house decides.", s.appeal)
	act("dismiss", "Drop a slash", "For operators of the house, before it is carried out.", s.dismiss)
	act("uphold", "Carry a slash out in spite of an appeal", "For operators of the house.", s.uphold)
}

type decisionInput struct {
	ID   string `path:"id" maxLength:"200" doc:"Name of the slash."`
	Body *decisionRequest
}

type decisionRequest struct {
	Operator string `json:"operator,omitempty" maxLength:"128" doc:"Of an appeal: the account whose pool it is about; absent: the caller's own."`
	Detail   string `json:"detail,omitempty" maxLength:"256" doc:"Why."`
}

type slashDone struct {
	Success bool   `json:"success" doc:"Always true."`
	SlashID string `json:"slashId" doc:"Name of the slash."`
	Status  string `json:"status" enum:"open,appealed,executing,dismissed" doc:"What the request has made of it."`
}

func (s *Server) appeal(ctx context.Context, in *decisionInput) (*slashDone, error) {
	body := orZero(in.Body)
	r := tokenomics.Appeal{ID: in.ID, Operator: accountOr(ctx, body.Operator), Detail: body.Detail}
	return slashTo(in.ID, tokenomics.SlashAppealed, sole(s.fog.Tokenomics.Appeal(ctx, []tokenomics.Appeal{r})))
}

func (s *Server) dismiss(ctx context.Context, in *decisionInput) (*slashDone, error) {
	r := tokenomics.Dismiss{ID: in.ID, Detail: orZero(in.Body).Detail}
	return slashTo(in.ID, tokenomics.SlashDismissed, sole(s.fog.Tokenomics.Dismiss(ctx, []tokenomics.Dismiss{r})))
}

func (s *Server) uphold(ctx context.Context, in *decisionInput) (*slashDone, error) {
	r := tokenomics.Uphold{ID: in.ID, Detail: orZero(in.Body).Detail}
	return slashTo(in.ID, tokenomics.SlashExecuting, sole(s.fog.Tokenomics.Uphold(ctx, []tokenomics.Uphold{r})))
}

// slashTo answers a request that takes a slash to a state.
func slashTo(id string, state tokenomics.SlashState, err error) (*slashDone, error) {
	if err != nil {
		return nil, err
	}
	return &slashDone{Success: true, SlashID: id, Status: string(state)}, nil
}
