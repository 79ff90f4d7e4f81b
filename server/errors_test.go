package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/fogcompute/fogcompute/server"
)

func TestBadInputIsAProblem(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", "/api/idle-compute/devices", aDevice)
	jobs, devices := "/api/scheduler/jobs", "/api/idle-compute/devices"
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		status             int
		method, path, body string
		detail             string // part of it
	}{
		"no such route":          {404, "GET", "/api/nothing", "", "nothing at this address"},
		"trailing slash":         {404, "GET", jobs + "/", "", ""},
		"wrong method":           {405, "PUT", jobs, "{}", "PUT"},
		"invented method":        {405, "BREW", jobs, "", "BREW"},
		"malformed":              {400, "POST", jobs, `{"name":`, "body"},
		"NaN":                    {400, "POST", jobs, `{"name":"a","sla_tier":"gold","cpu_required":NaN,"memory_required":1}`, ""},
		"empty body":             {400, "POST", jobs, "", "body is required"},
		"not an object":          {422, "POST", jobs, `[1]`, "object"},
		"unknown tier":           {422, "POST", jobs, strings.Replace(aJob, "gold", "diamond", 1), "diamond"},
		"missing field":          {422, "POST", jobs, `{"name":"a"}`, "required"},
		"no name":                {422, "POST", jobs, strings.Replace(aJob, "render", "", 1), "name"},
		"long name":              {422, "POST", jobs, strings.Replace(aJob, "render", long, 1), "name"},
		"negative cpu":           {422, "POST", jobs, strings.Replace(aJob, `"cpu_required":1`, `"cpu_required":-1`, 1), "cpu_required"},
		"too many cores":         {422, "POST", jobs, strings.Replace(aJob, `"cpu_required":1`, `"cpu_required":65`, 1), ""},
		"endless cores":          {422, "POST", jobs, strings.Replace(aJob, `"cpu_required":1`, `"cpu_required":1e300`, 1), ""},
		"too much memory":        {422, "POST", jobs, strings.Replace(aJob, "0.5", "513", 1), "memory_required"},
		"text for a number":      {422, "POST", jobs, strings.Replace(aJob, "0.5", `"much"`, 1), "memory_required"},
		"bad digest":             {422, "POST", jobs, strings.Replace(aJob, "{", `{"module":"../../etc/passwd",`, 1), "module"},
		"unknown digest":         {422, "POST", jobs, strings.Replace(aJob, "{", `{"module":"`+strings.Repeat("a", 64)+`",`, 1), "bytes"},
		"bad trust":              {422, "POST", jobs, strings.Replace(aJob, "{", `{"trust":"quorum:9/2",`, 1), "quorum"},
		"unknown status":         {422, "GET", jobs + "?status=lost", "", "status"},
		"limit too high":         {422, "GET", jobs + "?limit=1001", "", "limit"},
		"limit no number":        {422, "GET", jobs + "?limit=ten", "", "limit"},
		"forged cursor":          {422, "GET", jobs + "?cursor=%2e%2e", "", "cursor"},
		"unknown job":            {404, "GET", jobs + "/nothing", "", ""},
		"unknown job cancelled":  {404, "DELETE", jobs + "/nothing", "", ""},
		"unknown job changed":    {404, "PATCH", jobs + "/nothing", `{"status":"pause"}`, ""},
		"unknown change":         {422, "PATCH", jobs + "/nothing", `{"status":"explode"}`, "pause"},
		"unknown attempt":        {404, "POST", "/api/scheduler/attempts/nothing.0.1/result", `{"token":1,"exit_code":0}`, ""},
		"attempt of no form":     {404, "POST", "/api/scheduler/attempts/nothing/result", `{"token":1,"exit_code":0}`, ""},
		"bad base64":             {422, "POST", "/api/scheduler/attempts/nothing.0.1/result", `{"token":1,"stdout":"***"}`, ""},
		"fraction over one":      {422, "POST", "/api/scheduler/attempts/a.0.1/progress", `{"token":1,"fraction":2}`, "fraction"},
		"unknown device":         {404, "GET", devices + "/nothing", "", ""},
		"unknown device leaves":  {404, "DELETE", devices + "/nothing", "", ""},
		"unknown device beats":   {404, "POST", devices + "/nothing/heartbeat", `{}`, ""},
		"unknown type":           {422, "POST", devices, strings.Replace(aDevice, "android", "toaster", 1), "android"},
		"unknown type in filter": {422, "GET", devices + "?device_type=toaster", "", "android"},
		"too little memory":      {422, "POST", devices, strings.Replace(aDevice, "4096", "511", 1), "memory_mb"},
		"too many device cores":  {422, "POST", devices, strings.Replace(aDevice, `"cpu_cores":8`, `"cpu_cores":129`, 1), "cpu_cores"},
		"battery over 100":       {422, "POST", devices, strings.Replace(aDevice, ":80", ":101", 1), "battery_percent"},
		"device id with a path":  {422, "POST", devices, strings.Replace(aDevice, "phone", "../phone", 1), "device_id"},
		"battery in the query":   {422, "POST", devices + "/phone/heartbeat?battery=-1", "", "battery"},
		"no boolean":             {422, "POST", devices + "/phone/heartbeat?is_charging=maybe", "", "is_charging"},
		"address too long":       {422, "GET", "/api/tokenomics/balance?address=" + long, "", "address"},
		"unknown benchmark type": {422, "POST", "/api/benchmarks/start", `{"type":"beauty"}`, ""},
		"no benchmark to stop":   {404, "POST", "/api/benchmarks/stop", "", ""},
		"blob name with a path":  {404, "GET", "/api/blobs/..%2f..%2fetc%2fpasswd", "", ""},
		"blob name of no form":   {422, "PUT", "/api/blobs/abc", "x", ""},
		"upper-case blob name":   {422, "PUT", "/api/blobs/" + strings.ToUpper(emptyDigest), "", ""},
		"blob of other bytes":    {422, "PUT", "/api/blobs/" + emptyDigest, "x", ""},
		"unknown blob":           {404, "GET", "/api/blobs/" + strings.Repeat("0", 64), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.do(c.method, c.path, c.body)
			assert.Contains(t, got.problem(t, c.status)["detail"], c.detail)
		})
	}
}

func TestSizeAndDepth(t *testing.T) {
	a := newAPI(t, server.Config{MaxBody: 1 << 16})
	huge := `{"name":"` + strings.Repeat("x", 1<<17) + `"}`
	a.refused(http.StatusRequestEntityTooLarge, "POST", "/api/scheduler/jobs", huge)

	a = newAPI(t, server.Config{})
	deep := `{"name":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	a.refused(http.StatusBadRequest, "POST", "/api/scheduler/jobs", deep)
	nested := `{"name":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`
	p := a.refused(http.StatusUnprocessableEntity, "POST", "/api/scheduler/jobs", nested)
	assert.NotContains(t, p, "[[[[", "the client's values are not echoed")
}

func TestContentType(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x"} {
		a.refused(http.StatusUnsupportedMediaType, "POST", "/api/scheduler/jobs", aJob, "Content-Type", kind)
	}
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", "application/vnd.fog+json"} {
		a.ok("POST", "/api/scheduler/jobs", aJob, "Content-Type", kind)
	}
}

func TestMalformedBodyIsNotEchoed(t *testing.T) {
	a := newAPI(t, server.Config{})
	got := a.do("POST", "/api/scheduler/jobs", `{"name":"my secret"`)
	assert.NotContains(t, got.body, "my secret")
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	a := newAPI(t, server.Config{})
	got := a.ok("POST", "/api/scheduler/jobs", strings.Replace(aJob, "{", `{"colour":"red","$schema":"x",`, 1))
	assert.NotContains(t, got, "$schema")
	answer := a.do("GET", "/api/scheduler/jobs", "")
	assert.Empty(t, answer.header.Get("Link"))
}

func TestHeadOfAProblemHasNoBody(t *testing.T) {
	a := newAPI(t, server.Config{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/api/blobs/"+strings.Repeat("0", 64), nil)
	got := a.send(r, "Host", "localhost")
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Empty(t, got.body)
}
