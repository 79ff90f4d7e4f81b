package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountReservations() {
	path := "/api/scheduler/reservations"
	route(s, "scheduler", huma.Operation{
		OperationID: "reservations", Method: http.MethodGet, Path: path, Summary: "Nodes that are kept free for one account",
	}, s.reservations)
	route(s, "scheduler", huma.Operation{
		OperationID: "reserve", Method: http.MethodPut, Path: path + "/{id}", Summary: "Keep nodes free for one account",
		Description: "From then on no job of anybody else is placed on the nodes that could still run at that time. What runs there goes on.",
	}, s.reserve)
	route(s, "scheduler", huma.Operation{
		OperationID: "cancel-reservation", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Give a reservation up",
	}, s.cancelReservation)
}

type reservationBody struct {
	Owner   string     `json:"owner" minLength:"1" maxLength:"128" doc:"Account whose jobs may use the nodes."`
	Nodes   []string   `json:"nodes,omitempty" maxItems:"10000" doc:"Identifiers of nodes."`
	Require []termBody `json:"require,omitempty" maxItems:"16" doc:"Conditions on labels: nodes that meet all of them are reserved too."`
	From    *time.Time `json:"from,omitempty" doc:"When it begins; absent: now."`
	Until   time.Time  `json:"until" doc:"When it ends."`
}

// termBody is a condition on a node's labels.
type termBody struct {
	Key    string   `json:"key" minLength:"1" maxLength:"256" doc:"Label."`
	Op     string   `json:"op" enum:"in,not_in,exists,absent,less,more" doc:"Comparison."`
	Values []string `json:"values,omitempty" maxItems:"64" doc:"Values to compare with: one or more for in and not_in, one number for less and more, none for the others."`
}

func (t termBody) term() scheduler.Term {
	return scheduler.Term{Key: t.Key, Op: scheduler.Op(t.Op), Values: t.Values}
}

func encodeTerm(t scheduler.Term) termBody {
	return termBody{Key: t.Key, Op: string(t.Op), Values: t.Values}
}

type reservationRow struct {
	ID string `json:"id" doc:"Name of the reservation."`
	reservationBody
}

type reservationsReply struct {
	Reservations []reservationRow `json:"reservations" doc:"Those that are not over, in the order of their names."`
	Total        int              `json:"total" doc:"Number of reservations."`
}

func (s *Server) reservations(ctx context.Context, _ *struct{}) (*reservationsReply, error) {
	all, err := s.fog.Scheduler.Reservations(ctx)
	if err != nil {
		return nil, err
	}
	return &reservationsReply{Reservations: each(all, encodeReservation), Total: len(all)}, nil
}

func encodeReservation(r scheduler.Reservation) reservationRow {
	return reservationRow{ID: r.ID, reservationBody: reservationBody{
		Owner: string(r.Owner), Nodes: each(r.Nodes, func(n scheduler.NodeID) string { return string(n) }),
		Require: each(r.Require, encodeTerm), From: when(r.From), Until: r.Until,
	}}
}

type reserveInput struct {
	ID   string `path:"id" maxLength:"128" doc:"Name of the reservation; one with the same name is replaced."`
	Body reservationBody
}

type reservationReply struct {
	Success bool   `json:"success" doc:"Always true."`
	ID      string `json:"id" doc:"Name of the reservation."`
}

func (s *Server) reserve(ctx context.Context, in *reserveInput) (*reservationReply, error) {
	b := &in.Body
	r := scheduler.Reservation{
		ID: in.ID, Owner: principal.Account(b.Owner), From: orZero(b.From), Until: b.Until,
		Nodes:   each(b.Nodes, func(n string) scheduler.NodeID { return scheduler.NodeID(n) }),
		Require: each(b.Require, termBody.term),
	}
	if err := s.fog.Scheduler.Reserve(ctx, []scheduler.Reservation{r}); err != nil {
		return nil, err
	}
	return &reservationReply{Success: true, ID: in.ID}, nil
}

type reservationInput struct {
	ID string `path:"id" maxLength:"128" doc:"Name of the reservation."`
}

func (s *Server) cancelReservation(ctx context.Context, in *reservationInput) (*reservationReply, error) {
	if err := s.fog.Scheduler.CancelReservations(ctx, []string{in.ID}); err != nil {
		return nil, err
	}
	return &reservationReply{Success: true, ID: in.ID}, nil
}
