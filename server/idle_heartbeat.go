package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/idle"
)

// protocolVersion is the version of the device protocol that this server speaks.
const protocolVersion = "1"

func (s *Server) mountHeartbeat() {
	route(s, "idle", huma.Operation{
		OperationID: "heartbeat", Method: http.MethodPost, Path: "/api/idle-compute/devices/{id}/heartbeat",
		Summary: "A device lives, says how it is, and gets its directive",
		Description: "With the header Fog-Protocol: 1 the beat renews the leases of the attempts it names and asks for work; with " +
			"wait_seconds the server holds it open until there is news. Without the header it is a plain sign of life and offers nothing.",
	}, s.heartbeat)
	route(s, "idle", huma.Operation{
		OperationID: "heartbeats", Method: http.MethodPost, Path: "/api/idle-compute/heartbeats",
		Summary:      "The beats of many devices behind one gateway",
		Description:  "Each beat has its own outcome, in the order of the request; wait_seconds has no effect here.",
		MaxBodyBytes: 4 * s.config.MaxBody,
	}, s.heartbeats)
}

// deviceProtocol is the header Fog-Protocol of requests that agents send.
type deviceProtocol string

// spoken reports whether the client speaks the protocol; an unknown version is refused.
func (p deviceProtocol) spoken() (bool, error) {
	switch p {
	case "":
		return false, nil
	case protocolVersion:
		return true, nil
	}
	return false, wrongField("header.Fog-Protocol", fmt.Sprintf(
		"this server speaks version %s of the device protocol, not %q: update the older side", protocolVersion, string(p)))
}

type heartbeatInput struct {
	Protocol deviceProtocol    `header:"Fog-Protocol" doc:"Version of the device protocol: 1. Absent: a client that does not run jobs."`
	ID       string            `path:"id" doc:"Identifier of the device."`
	Battery  optional[float64] `query:"battery" minimum:"0" maximum:"100" doc:"Battery charge in percent; a value in the body wins."`
	Charging optional[bool]    `query:"is_charging" doc:"Whether external power is connected; a value in the body wins."`
	Body     *beatRequest
}

type heartbeatReply struct {
	Success      bool           `json:"success" doc:"Always true; a refused beat is a problem."`
	DeviceID     string         `json:"deviceId" doc:"Identifier of the device."`
	Acknowledged bool           `json:"acknowledged" doc:"Always true: the beat was counted."`
	Directive    directiveReply `json:"directive" doc:"What the device shall do next."`
}

func (s *Server) heartbeat(ctx context.Context, in *heartbeatInput) (*heartbeatReply, error) {
	protocol, err := in.Protocol.spoken()
	if err != nil {
		return nil, err
	}
	request := beatRequest{}
	if in.Body != nil {
		request = *in.Body
	}
	request.Battery = orPointer(request.Battery, in.Battery.pointer())
	request.Charging = orPointer(request.Charging, in.Charging.pointer())
	directive, err := s.beat(ctx, request.beat(in.ID, protocol), request.WaitSeconds)
	if err != nil {
		return nil, err
	}
	return &heartbeatReply{Success: true, DeviceID: in.ID, Acknowledged: true, Directive: encodeDirective(directive, s.config.Now())}, nil
}

// beat hands one beat to the engine, held open for at most waitSeconds.
func (s *Server) beat(ctx context.Context, beat idle.Beat, waitSeconds float64) (idle.Directive, error) {
	if wait := min(seconds(waitSeconds), s.config.MaxWait); wait > 0 && beat.Protocol {
		ctx, release := s.held(ctx)
		defer release()
		return s.fog.Idle.Poll(ctx, beat, wait)
	}
	beaten, err := s.fog.Idle.Heartbeat(ctx, []idle.Beat{beat})
	if err != nil {
		return idle.Directive{}, err
	}
	return beaten[0].Directive, beaten[0].Err
}

type heartbeatsInput struct {
	Protocol deviceProtocol `header:"Fog-Protocol" doc:"Version of the device protocol: 1. Absent: clients that do not run jobs."`
	Body     beatsRequest
}

type beatsRequest struct {
	Beats []beatRequest `json:"beats" minItems:"1" maxItems:"1000" doc:"One beat for each device, each with its device_id."`
}

type heartbeatsReply struct {
	Success bool          `json:"success" doc:"Always true: each beat has its own outcome."`
	Results []beatOutcome `json:"results" doc:"Outcomes in the order of the beats."`
}

type beatOutcome struct {
	DeviceID     string          `json:"deviceId" doc:"Identifier of the device."`
	Acknowledged bool            `json:"acknowledged" doc:"Whether the beat was counted."`
	Directive    *directiveReply `json:"directive,omitempty" doc:"What the device shall do next; absent where the beat was refused."`
	Status       int             `json:"status" doc:"HTTP status that the beat would have got alone."`
	Detail       string          `json:"detail" doc:"Why the beat was refused; empty where it was not."`
}

func (s *Server) heartbeats(ctx context.Context, in *heartbeatsInput) (*heartbeatsReply, error) {
	protocol, err := in.Protocol.spoken()
	if err != nil {
		return nil, err
	}
	beaten, err := s.fog.Idle.Heartbeat(ctx, each(in.Body.Beats, func(b beatRequest) idle.Beat {
		return b.beat(b.DeviceID, protocol)
	}))
	if err != nil {
		return nil, err
	}
	reply := &heartbeatsReply{Success: true, Results: make([]beatOutcome, len(beaten))}
	for i, b := range beaten {
		reply.Results[i] = encodeOutcome(in.Body.Beats[i].DeviceID, b, s.config.Now())
	}
	return reply, nil
}

func encodeOutcome(device string, b idle.Beaten, now time.Time) beatOutcome {
	if b.Err != nil {
		return beatOutcome{DeviceID: device, Status: statusOf(fog.KindOf(b.Err)), Detail: fog.Detail(b.Err)}
	}
	directive := encodeDirective(b.Directive, now)
	return beatOutcome{DeviceID: device, Acknowledged: true, Directive: &directive, Status: http.StatusOK}
}

// orPointer returns first, or second where first is nil.
func orPointer[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}
