package tokenomics

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Class says what a record is about.
type Class string

// RecordRef names a record in the whole ledger.
type RecordRef struct {
	Tenant principal.Tenant
	Class  Class
	Key    string
}

func (r RecordRef) compare(q RecordRef) int {
	return cmp.Or(cmp.Compare(r.Tenant, q.Tenant), cmp.Compare(r.Class, q.Class), cmp.Compare(r.Key, q.Key))
}

// Record is a row of the ledger that is not money: a stake, a proposal, a parameter. It changes only together with a movement.
type Record struct {
	RecordRef
	Owner   Account
	Creator principal.Account
	State   string
	Due     time.Time // when something has to be done about it; zero: never
	Seq     int64     // of the movement that changed it last; 0: it does not exist
	Body    []byte    // JSON; nil: it does not exist any more

	ready hot // the body as the writer has decoded it, or nil; nobody changes it
}

// hot is the body of a record that one request after the other changes: so it is not decoded for each of them.
type hot interface {
	// twin returns a copy that has nothing in common with the body, of the same type.
	twin() any
}

// heat keeps a body decoded if it is one that is hot.
func (r *Record) heat(body any) {
	if body, ok := body.(hot); ok {
		r.ready = body.twin().(hot)
	}
}

// exists reports whether there is such a record.
func (r Record) exists() bool { return r.Body != nil }

// RecordQuery selects records of one class.
type RecordQuery struct {
	Tenant principal.Tenant
	Class  Class
	Owner  Account // empty: any
	State  string  // empty: any
	Prefix string  // of the key
	After  string  // key behind which the list begins; empty: at its end
	Newest bool    // from the greatest key down
	Limit  int
}

// Series names a quantity whose past is kept.
type Series string

// SeriesRef names the past of one quantity in the whole ledger.
type SeriesRef struct {
	Tenant principal.Tenant
	Series Series
	Key    string
}

// PointRef asks for a quantity as it was when the ledger stood at a movement.
type PointRef struct {
	SeriesRef
	Seq int64
}

func (p PointRef) compare(q PointRef) int {
	return cmp.Or(cmp.Compare(p.Tenant, q.Tenant), cmp.Compare(p.Series, q.Series), cmp.Compare(p.Key, q.Key), cmp.Compare(p.Seq, q.Seq))
}

// Point is the value that a quantity has from a movement on, until its next point. Points are only ever added.
type Point struct {
	PointRef
	Body []byte // JSON
}

// fetch reads a record's body, nil if there is none, and reports whether the record is known.
func fetch[T any](e *evaluation, ref RecordRef) (body *T, record Record, known bool, err error) {
	record, known = e.state.records.get(ref)
	if !known || !record.exists() {
		return nil, record, known, nil
	}
	if record.ready != nil {
		return record.ready.twin().(*T), record, true, nil
	}
	body = new(T)
	if err := decodeRecord(record, body); err != nil {
		return nil, record, true, err
	}
	if record.heat(body); record.ready != nil {
		e.state.records.rows[ref] = record // as it was
	}
	return body, record, true, nil
}

// decodeRecord reads a record's body.
func decodeRecord(record Record, body any) error {
	if err := json.Unmarshal(record.Body, body); err != nil {
		return fault.Newf(fault.Internal, "tokenomics.record", "%s %q cannot be read: %v", record.Class, record.Key, err)
	}
	return nil
}
