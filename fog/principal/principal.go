// Package principal says who acts.
//
// A principal is an account inside a tenant, with scopes. It travels in the context of each call: a server puts it there
// once per request, and each engine's door asks its Authorizer before it reads or writes. A context without one acts as
// the local operator, which is what a program that embeds an engine wants.
package principal

import (
	"context"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Tenant separates customers who share one installation: nothing of one is visible to another.
type Tenant string

// Account names one party inside a tenant: a user, the operator, or a device ("device:<id>"). It is also the name of the
// party's account in the ledger.
type Account string

// Scope is a right that a principal carries.
type Scope string

// Action names one thing that an engine can do, "engine.verb": "scheduler.submit", "tokenomics.transfer".
type Action string

const (
	// DefaultTenant is the only tenant of an installation that knows no others.
	DefaultTenant Tenant = "default"
	// Operator is the account of whoever runs the installation.
	Operator Account = "operator"

	// ScopeOperator may do everything inside its tenant.
	ScopeOperator Scope = "operator"
	// ScopeDevice marks a device: it beats, fetches work and reports results.
	ScopeDevice Scope = "device"
	// ScopeHouse marks the house itself, which carries facts between engines in every tenant. No caller from outside
	// ever gets it.
	ScopeHouse Scope = "house"
	// ScopeUser marks a user: it submits jobs and reads what it owns.
	ScopeUser Scope = "user"
)

// Principal is who acts. Its zero value has no tenant and no scope, and owns nothing.
type Principal struct {
	Tenant  Tenant
	Account Account
	Scopes  []Scope
}

// Has reports whether the principal carries a scope.
func (p Principal) Has(s Scope) bool { return slices.Contains(p.Scopes, s) }

// Local returns the operator of the default tenant.
func Local() Principal {
	return Principal{Tenant: DefaultTenant, Account: Operator, Scopes: []Scope{ScopeOperator}}
}

// House returns the house itself, as the flows between engines act.
func House() Principal {
	return Principal{Tenant: DefaultTenant, Account: "house", Scopes: []Scope{ScopeHouse}}
}

// key is the type of the context key.
type key struct{}

// With returns a context whose calls are made by p.
func With(ctx context.Context, p Principal) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns the principal of a context, Local() if nobody set one.
func From(ctx context.Context) Principal {
	if p, ok := ctx.Value(key{}).(Principal); ok {
		return p
	}
	return Local()
}

// Resource is the thing that an action touches.
type Resource struct {
	Kind   string  // "job", "device", "account", "blob"
	ID     string  // empty for a collection, or for a thing that does not exist yet
	Tenant Tenant  // empty: the principal's own
	Owner  Account // empty: belongs to the tenant as a whole
}

// Authorizer decides whether a principal may act on a resource. It returns nil, an error of kind Denied, or one of kind
// NotFound where the principal must not even learn that the resource exists. It is called often and must be quick.
type Authorizer interface {
	Authorize(ctx context.Context, p Principal, a Action, r Resource) error
}

// Owners is the default Authorizer: the house may do everything, the operator everything inside its tenant, everybody else
// may act on what they own, and the things of another tenant do not exist.
type Owners struct{}

var _ Authorizer = Owners{}

// Authorize implements Authorizer.
func (Owners) Authorize(_ context.Context, p Principal, a Action, r Resource) error {
	switch {
	case p.Has(ScopeHouse):
		return nil
	case r.Tenant != "" && r.Tenant != p.Tenant:
		return fault.Newf(fault.NotFound, string(a), "%s %q not found", r.Kind, r.ID)
	case p.Has(ScopeOperator):
		return nil
	case p.Account != "" && r.Owner == p.Account:
		return nil
	default:
		return fault.Newf(fault.Denied, string(a), "account %q may not do this to %s %q", p.Account, r.Kind, r.ID)
	}
}
