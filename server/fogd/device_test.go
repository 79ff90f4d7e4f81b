//go:build linux

package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// device speaks the device protocol by hand, as a program does that somebody else wrote.
type device struct {
	rest
	t   *testing.T
	id  string
	seq int
}

// directive is what the server answers to a beat.
type directive struct {
	Desired string
	Renewed []struct{ Attempt string }
	Cancel  []string
	Offers  []offer
}

type offer struct {
	Attempt, Job, Module string
	Token                int64
}

// join registers a device.
func join(t *testing.T, f *fogd, id string) *device {
	t.Helper()
	d := &device{rest: f.rest, t: t, id: id}
	status, err := d.try("POST", "/api/idle-compute/devices", fields{
		"device_id": id, "device_type": "server", "cpu_cores": 4, "memory_mb": 4096, "battery_percent": 100, "is_charging": true, "policy": fields{},
	}, nil, "Fog-Protocol", "1")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	d.beat(fields{})
	return d
}

// beat sends a beat that must be answered.
func (d *device) beat(more fields) directive {
	d.t.Helper()
	reply, err := d.send(more)
	require.NoError(d.t, err)
	return reply
}

// send sends a beat.
func (d *device) send(more fields) (directive, error) {
	d.seq++
	body := fields{"boot": "boot-of-" + d.id, "seq": d.seq}
	for name, value := range more {
		body[name] = value
	}
	var reply struct {
		Directive directive
		Detail    string
	}
	status, err := d.try("POST", "/api/idle-compute/devices/"+d.id+"/heartbeat", body, &reply, "Fog-Protocol", "1")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("beat: %d %s", status, reply.Detail)
	}
	return reply.Directive, err
}

// fetch beats until there is an offer.
func (d *device) fetch() (o offer) {
	d.t.Helper()
	until(d.t, d.id+" is offered something", func() bool {
		reply := d.beat(fields{"take": 1, "wait_seconds": 1})
		for _, o = range reply.Offers {
			return true
		}
		return false
	})
	return o
}

// held is the part of a beat that names what the device runs.
func held(o offer) []fields { return []fields{{"attempt": o.Attempt, "token": o.Token}} }

// answer is how a report was answered.
type answer struct {
	Code            int // of HTTP
	Success         bool
	Attempt, Detail string
	Status          any // of the attempt; in a problem, of HTTP
}

// report reports the end of an attempt with further fields.
func (d *device) report(o offer, more fields) (a answer) {
	d.t.Helper()
	body := fields{"token": o.Token, "node": d.id, "stdout": "aGVsbG8K", "cpu_seconds": 0.5, "wall_seconds": 1}
	for name, value := range more {
		body[name] = value
	}
	return d.post(o.Attempt, "result", body)
}

// post sends something about an attempt.
func (d *device) post(attempt, what string, body fields) (a answer) {
	d.t.Helper()
	status, err := d.try("POST", "/api/scheduler/attempts/"+attempt+"/"+what, body, &a, "Fog-Protocol", "1")
	require.NoError(d.t, err)
	a.Code = status
	return a
}

// refused asserts that something was refused with a status and changed nothing about a job.
func (d *device) refused(status int, job string, do func() answer) {
	d.t.Helper()
	before := d.job(d.t, job)
	a := do()
	assert.Equal(d.t, status, a.Code, "%+v", a)
	assert.NotEmpty(d.t, a.Detail)
	assert.Equal(d.t, before, d.job(d.t, job), "a refusal changes nothing")
}

// TestReports: the end of an attempt counts once, from its device, with its token.
func TestReports(t *testing.T) {
	t.Parallel()
	f := serveFogd(t, "FOG_LEASE=1m", "FOG_INTERVAL=10s", "FOG_PRESENCE=1m")
	d, other := join(t, f, "one"), join(t, f, "two")
	job := f.submit(t, task(nil))
	o, mine := other.claim(d, job)

	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"token": o.Token - 1}) })
	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"token": o.Token + 1}) })
	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"node": "somebody"}) })
	mine.refused(http.StatusUnprocessableEntity, job, func() answer { return mine.report(o, fields{"class": "weather"}) })
	for _, unknown := range []string{"nothing", job, job + ".0.99", job + ".7.1", "x." + o.Attempt} {
		mine.refused(http.StatusNotFound, job, func() answer { return mine.post(unknown, "result", fields{"token": o.Token}) })
		mine.refused(http.StatusNotFound, job, func() answer { return mine.post(unknown, "progress", fields{"token": o.Token, "fraction": 0.5}) })
	}
	mine.refused(http.StatusConflict, job, func() answer {
		return mine.post(o.Attempt, "progress", fields{"token": o.Token - 1, "fraction": 0.5})
	})

	first := mine.report(o, nil)
	require.Equal(t, http.StatusOK, first.Code, "%+v", first)
	assert.Equal(t, "valid", first.Status)
	f.audit(t, job)
	assert.Equal(t, first, mine.report(o, nil), "the same again has the same answer")
	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"stdout": "b3RoZXIK"}) })
	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"class": "job", "reason": "no"}) })
	mine.refused(http.StatusConflict, job, func() answer { return mine.report(o, fields{"token": o.Token - 1}) })
	f.audit(t, job)
}

// claim returns the offer for a job and whichever of two devices got it.
func (d *device) claim(other *device, job string) (o offer, who *device) {
	d.t.Helper()
	until(d.t, "a device is offered "+job, func() bool {
		for _, who = range []*device{d, other} {
			for _, o = range who.beat(fields{"take": 1}).Offers {
				require.Equal(d.t, job, o.Job)
				return true
			}
		}
		return false
	})
	return o, who
}

// TestLateReport: a result that comes after the lease, when another device has got the job, is refused.
func TestLateReport(t *testing.T) {
	t.Parallel()
	f := serveFogd(t, "FOG_LEASE=1s", "FOG_INTERVAL=300ms", "FOG_PRESENCE=1m")
	late := join(t, f, "late")
	job := f.submit(t, task(nil))
	first := late.fetch()
	assert.Empty(t, late.beat(fields{"held": held(first)}).Cancel)

	other := join(t, f, "other")
	second := other.fetch()
	require.Equal(t, job, second.Job)
	assert.Greater(t, second.Token, first.Token, "tokens only grow")
	for _, o := range []offer{first, second} {
		assert.Equal(t, http.StatusConflict, late.report(o, nil).Code)
	}
	assert.Equal(t, []string{first.Attempt}, late.beat(fields{"held": held(first)}).Cancel)
	a := other.report(second, nil)
	require.Equal(t, http.StatusOK, a.Code, "%+v", a)
	late.refused(http.StatusConflict, job, func() answer { return late.report(first, nil) })
	f.audit(t, job)
	assert.Equal(t, "other", winner(f.job(t, job)))
	assert.Zero(t, f.balance(t, "device:late"))
}

// TestCancelReachesDevice: a device that waits for work while it runs a job hears at once that the job is cancelled.
func TestCancelReachesDevice(t *testing.T) {
	t.Parallel()
	f := serveFogd(t, "FOG_LEASE=1m", "FOG_INTERVAL=10s", "FOG_PRESENCE=2m")
	d := join(t, f, "one")
	job := f.submit(t, task(nil))
	o := d.fetch()
	type heard struct {
		directive
		error
	}
	poll := make(chan heard)
	go func() {
		reply, err := d.send(fields{"take": 1, "wait_seconds": 30, "held": held(o)})
		poll <- heard{reply, err}
	}()
	var gone answer
	status, err := f.try("DELETE", "/api/scheduler/jobs/"+job, nil, &gone)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, "cancelled", gone.Status)
	news := <-poll
	require.NoError(t, news.error)
	assert.Equal(t, []string{o.Attempt}, news.Cancel)

	d.refused(http.StatusConflict, job, func() answer { return d.report(o, nil) })
	status, err = f.try("DELETE", "/api/scheduler/jobs/"+job, nil, &gone)
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, status, "cancelled twice")
	f.audit(t, job)
}
