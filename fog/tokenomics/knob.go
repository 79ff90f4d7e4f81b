package tokenomics

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Knob is a parameter with its place in an engine's struct of parameters, P.
type Knob[P any] struct {
	key, unit, doc string
	usual          json.RawMessage
	read           func(json.RawMessage) (func(*P), error) // what puts a value in its place
}

// NewKnob declares a parameter of the type T: how its JSON is read, its default, and where its value goes.
func NewKnob[P, T any](key, unit, doc string, usual T, set func(*P, T)) Knob[P] {
	text, err := json.Marshal(usual)
	if err != nil {
		panic("tokenomics: the default of " + key + " is not JSON: " + err.Error())
	}
	return Knob[P]{key: key, unit: unit, doc: doc, usual: text, read: func(value json.RawMessage) (func(*P), error) {
		v, err := decode[T](value)
		return func(p *P) { set(p, v) }, err
	}}
}

// Get reads a parameter of the type T, and reports whether one was set that is of this type.
func Get[T any](s Snapshot, key string) (T, bool) {
	if value, ok := s.values[key]; ok {
		if read, err := decode[T](value); err == nil {
			return read, true
		}
	}
	var zero T
	return zero, false
}

// decode reads exactly one value of a type.
func decode[T any](value json.RawMessage) (T, error) {
	var out T
	if bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
		return out, invalidValue("must not be null")
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		if fault.KindOf(err) == fault.Invalid {
			return out, err
		}
		return out, invalidValue("%q is not of the right type", clip(string(value)))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return out, invalidValue("is more than one value")
	}
	return out, nil
}

// Knobs are the parameters that fill one struct, which knows what can work.
type Knobs[P interface{ Validate() error }] []Knob[P]

// Set declares the knobs. A value is valid if it is of its type and works alone in a zero P; a snapshot if the struct works that
// it makes of base, the struct as it is without any parameter set. Nil is the zero P.
func (k Knobs[P]) Set(base func() P) Set {
	set := Set{Check: func(s Snapshot) error {
		var whole P
		if base != nil {
			whole = base()
		}
		k.Overlay(s)(&whole)
		return whole.Validate()
	}}
	for _, knob := range k {
		set.Parameters = append(set.Parameters, Parameter{
			Key: knob.key, Unit: knob.unit, Doc: knob.doc, Default: knob.usual,
			Validate: func(value json.RawMessage) error {
				put, err := knob.read(value)
				if err != nil {
					return err
				}
				var alone P
				put(&alone)
				return alone.Validate()
			},
		})
	}
	return set
}

// Overlay reads a snapshot once and returns what puts its values into a struct, at little cost; fields whose parameters are not set
// stay as they are.
func (k Knobs[P]) Overlay(s Snapshot) func(*P) {
	var puts []func(*P)
	for _, knob := range k {
		if value, ok := s.values[knob.key]; ok {
			if put, err := knob.read(value); err == nil { // what is not of its type changes nothing
				puts = append(puts, put)
			}
		}
	}
	return func(p *P) {
		for _, put := range puts {
			put(p)
		}
	}
}

// Span is a duration as a parameter: the text "1m30s".
type Span time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration reads; anything else is Invalid.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return invalidValue("%q is not a duration such as 100ms or 1m30s", clip(string(text)))
	}
	*s = Span(d)
	return nil
}

// PriceKnobs are the parameters of the market. Zero in any of them is what Prices documents.
func PriceKnobs() Knobs[Prices] {
	const fog, thousandths = "FOG", "thousandths"
	return Knobs[Prices]{
		NewKnob("market.cpu_second", fog, "Base price of one core for one second; 0: 0.001, negative: nothing.", Amount(0), func(p *Prices, v Amount) { p.CPUSecond = v }),
		NewKnob("market.gpu_second", fog, "Base price of one GPU for one second; 0: 20 times a core, negative: nothing.", Amount(0), func(p *Prices, v Amount) { p.GPUSecond = v }),
		NewKnob("market.memory_gb_second", fog, "Base price of 2^30 bytes of memory for one second; 0: a tenth of a core, negative: nothing.", Amount(0), func(p *Prices, v Amount) { p.MemoryGBSecond = v }),
		NewKnob("market.memory_free_mb", "megabytes of 2^20 bytes", "Memory of each replica that costs nothing; 0: 1024, negative: none.", int64(0), func(p *Prices, v int64) { p.MemoryFreeMB = v }),
		NewKnob("market.transfer_gb", fog, "Base price of moving 10^9 bytes to a node; 0: as a core for a second, negative: nothing.", Amount(0), func(p *Prices, v Amount) { p.TransferGB = v }),
		NewKnob("market.minimum", fog, "Least price of a replica; 0: 0.000001, negative: none.", Amount(0), func(p *Prices, v Amount) { p.Minimum = v }),
		NewKnob("market.tier_platinum", thousandths, "Price factor of the level platinum; 0: the usual one.", int64(0), func(p *Prices, v int64) { p.Tiers.Platinum = v }),
		NewKnob("market.tier_gold", thousandths, "Price factor of the level gold; 0: the usual one.", int64(0), func(p *Prices, v int64) { p.Tiers.Gold = v }),
		NewKnob("market.tier_silver", thousandths, "Price factor of the level silver; 0: the usual one.", int64(0), func(p *Prices, v int64) { p.Tiers.Silver = v }),
		NewKnob("market.tier_bronze", thousandths, "Price factor of the level bronze; 0: the usual one.", int64(0), func(p *Prices, v int64) { p.Tiers.Bronze = v }),
		NewKnob("market.balance", thousandths, "Load, demand by room, at which prices are base prices; 0: 1000.", int64(0), func(p *Prices, v int64) { p.Balance = v }),
		NewKnob("market.elasticity", thousandths, "By how much a price follows demand; 0: 1000, one percent for one percent; negative: not at all.", int64(0), func(p *Prices, v int64) { p.Elasticity = v }),
		NewKnob("market.least", thousandths, "Least factor of demand and supply; 0: 1000, or most where that is less.", int64(0), func(p *Prices, v int64) { p.Least = v }),
		NewKnob("market.most", thousandths, "Greatest factor of demand and supply; 0: 4000, or least where that is more.", int64(0), func(p *Prices, v int64) { p.Most = v }),
		NewKnob("market.smoothing", "duration", "Time constant with which prices follow demand and supply; 0s: 5m, negative: at once.", Span(0), func(p *Prices, v Span) { p.Smoothing = time.Duration(v) }),
	}
}
