package idle_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// Whether a device may be harvested is a pure function: policy, telemetry, the decision before, and the time.
func ExampleEvaluate() {
	policy := idle.DefaultPolicy(idle.Android)
	pocket := idle.Telemetry{Battery: idle.Some(35.0), Charging: idle.Some(false), TempC: idle.Some(31.0)}
	decision := idle.Evaluate(policy, pocket, idle.Decision{}, time.Now())
	fmt.Println(decision.Eligible)
	for _, reason := range decision.Reasons {
		fmt.Println(reason.Code, "-", reason.Text)
	}
	// Output:
	// false
	// on_battery - external power is not connected
	// battery_low - battery at 35 %, needs 60 %
}

func ExampleIdle_Register() {
	registry, err := idle.New(idle.Config{})
	if err != nil {
		panic(err)
	}
	device, err := registry.Register(context.Background(), idle.Enrolment{ID: "desk", Type: idle.Desktop, CPUCores: 8, MemoryMB: 16384})
	fmt.Println(device.State, device.Owner, err)
	_, err = registry.Register(context.Background(), idle.Enrolment{ID: "desk", Type: idle.Desktop, CPUCores: 500, MemoryMB: 16384})
	fmt.Println(err)
	// Output:
	// registered device:desk <nil>
	// idle.register: cpu_cores: must be between 1 and 128
}

// The answer to a beat is a directive. A desktop without a battery may be harvested as long as nobody needs it.
func ExampleIdle_Heartbeat() {
	ctx := context.Background()
	registry, err := idle.New(idle.Config{})
	if err != nil {
		panic(err)
	}
	if _, err := registry.Register(ctx, idle.Enrolment{ID: "desk", Type: idle.Desktop, CPUCores: 8, MemoryMB: 16384}); err != nil {
		panic(err)
	}
	for seq, load := range []float64{0.1, 0.95} {
		beaten, err := registry.Heartbeat(ctx, []idle.Beat{{
			Device: "desk", Protocol: true, Boot: "random", Seq: uint64(seq + 1), Telemetry: idle.Telemetry{CPUForeign: idle.Some(load)},
		}})
		if err != nil || beaten[0].Err != nil {
			panic(fmt.Sprint(err, beaten[0].Err))
		}
		fmt.Println(beaten[0].Directive.Desired, beaten[0].Directive.Eligible, beaten[0].Directive.Reasons)
	}
	// Output:
	// run true []
	// run false [{cpu_busy other programs use 95 % of the CPU, at most 85 % allowed}]
}

func ExampleIdle_Explain() {
	ctx := context.Background()
	registry, err := idle.New(idle.Config{})
	if err != nil {
		panic(err)
	}
	if _, err := registry.Register(ctx, idle.Enrolment{ID: "phone", Type: idle.IOS, CPUCores: 6, MemoryMB: 6144}); err != nil {
		panic(err)
	}
	reasons, err := registry.Explain(ctx, "phone")
	if err != nil {
		panic(err)
	}
	for _, reason := range reasons {
		fmt.Println(reason.Code)
	}
	// Output:
	// never_beaten
	// no_protocol
	// no_work
	// power_unknown
	// battery_unknown
}

// Work is recorded once for each job and slot, however often its report comes.
func ExampleIdle_Contribute() {
	ctx := context.Background()
	registry, err := idle.New(idle.Config{})
	if err != nil {
		panic(err)
	}
	if _, err := registry.Register(ctx, idle.Enrolment{ID: "desk", Type: idle.Desktop, CPUCores: 8, MemoryMB: 16384}); err != nil {
		panic(err)
	}
	work := []idle.Contribution{{Job: "render", Slot: 0, Device: "desk", Account: "device:desk", Amount: 250_000, CPUSeconds: 1.5}}
	for range 2 {
		fresh, err := registry.Contribute(ctx, work)
		fmt.Println(fresh, err)
	}
	stats, err := registry.Stats(ctx)
	fmt.Println(stats.TasksCompleted, stats.ComputeSeconds, err)
	// Output:
	// [true] <nil>
	// [false] <nil>
	// 1 1.5 <nil>
}

// clerk hands the same offer to every device that asks.
type clerk struct{}

func (clerk) Claim(_ context.Context, claims []idle.WorkClaim) ([]idle.WorkGrant, error) {
	grants := make([]idle.WorkGrant, len(claims))
	for n, c := range claims {
		if c.Take > 0 {
			grants[n].Offers = []idle.Offer{{Attempt: "render.0.1", Token: 1, Job: "render", Name: "frame 7"}}
		}
	}
	return grants, nil
}

func (clerk) Wait(ctx context.Context, _ idle.DeviceID) error {
	<-ctx.Done()
	return ctx.Err()
}

// A device that has room for work holds its beat open until there is some.
func ExampleIdle_Poll() {
	ctx := context.Background()
	registry, err := idle.New(idle.Config{Work: clerk{}})
	if err != nil {
		panic(err)
	}
	if _, err := registry.Register(ctx, idle.Enrolment{ID: "rack", Type: idle.Server, CPUCores: 32, MemoryMB: 65536}); err != nil {
		panic(err)
	}
	directive, err := registry.Poll(ctx, idle.Beat{Device: "rack", Protocol: true, Boot: "random", Seq: 1, Take: 1}, 10*time.Second)
	fmt.Println(len(directive.Offers), directive.Offers[0].Name, err)
	// Output: 1 frame 7 <nil>
}

// A device's results are checked less and less often, until others contradict one.
func ExampleReputation() {
	rules, now := idle.TrustRules{}, time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var device idle.Reputation
	for range 10 {
		device = device.Confirmed() // each was computed by another device as well
	}
	fmt.Println("checked:", device.CheckShare(rules))
	for range 90 {
		device = device.Accepted()
	}
	fmt.Println("checked:", device.CheckShare(rules))

	device = device.Struck(rules, now)
	fmt.Println("checked:", device.CheckShare(rules), "audited:", device.ToAudit(rules, 90, now), "of 90")
	for range 3 {
		device = device.Struck(rules, now)
	}
	fmt.Println("quarantined until", device.Until.Format(time.DateOnly))
	// Output:
	// checked: 0.1
	// checked: 0.05
	// checked: 1 audited: 20 of 90
	// quarantined until 2026-12-08
}
