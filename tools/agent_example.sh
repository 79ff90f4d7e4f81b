#!/bin/sh
# A server and a device as two programs: a job posted with curl's means runs on the agent and is paid.
set -eu
work=$1
go build -o "$work/fogd" ./server/fogd
port=$((20000 + $$ % 20000))
url=http://127.0.0.1:$port
mkdir -p "$work/two"
API_PORT=$port FOG_DATA_DIR="$work/two/data" "$work/fogd" --no-harvest >"$work/two/fogd.log" 2>&1 &
server=$!
"$work/agent" -server "$url" -id example-device -data "$work/two/agent" -always >"$work/two/agent.log" 2>&1 &
agent=$!
finish() {
	kill "$agent" "$server" 2>/dev/null || true
	wait "$agent" "$server" 2>/dev/null || true
}
trap finish EXIT INT TERM

fail() {
	echo "agent example: $1" >&2
	cat "$work/two/fogd.log" "$work/two/agent.log" >&2
	exit 1
}
get() { curl -sf --max-time 10 "$@"; }

tries=0
until get "$url/ready" >/dev/null; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || fail "the server is not ready"
	sleep 0.1
done
answer=$(get "$url/api/scheduler/jobs" -H 'Content-Type: application/json' \
	-d '{"name":"hello","sla_tier":"gold","cpu_required":1,"memory_required":0.1,"duration_estimate":5}') || fail "the job was refused"
job=$(printf %s "$answer" | sed -n 's/.*"jobId":"\([^"]*\)".*/\1/p')
tries=0
until get "$url/api/scheduler/jobs/$job" | grep -q '"status":"completed"'; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || fail "job $job did not complete: $(get "$url/api/scheduler/jobs/$job")"
	sleep 0.1
done
tries=0
until get "$url/api/tokenomics/balance?address=device:example-device" | grep -qv '"balance":0[,}]'; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || fail "the device was not paid"
	sleep 0.1
done
tries=0
until "$work/agent" status -data "$work/two/agent" | grep -q ' 1 done.*'; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || fail "the agent's status: $("$work/agent" status -data "$work/two/agent")"
	sleep 0.1
done
"$work/agent" now -always | grep -q 'START' || fail "an agent without a policy would not start: $("$work/agent" now -always)"
kill -HUP "$agent"
wait "$agent" || fail "the agent did not drain"
"$work/agent" status -data "$work/two/agent" | grep -q 'not running' || fail "the agent still runs"
echo "ok   a job posted over HTTP ran on an agent and was paid: $(get "$url/api/tokenomics/balance?address=device:example-device")"
