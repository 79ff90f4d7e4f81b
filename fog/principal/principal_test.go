package principal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

func TestContext(t *testing.T) {
	ctx := context.Background()
	require.Equal(t, principal.Local(), principal.From(ctx))
	ann := principal.Principal{Tenant: "t", Account: "ann", Scopes: []principal.Scope{principal.ScopeUser}}
	require.Equal(t, ann, principal.From(principal.With(ctx, ann)))
	nobody := principal.From(principal.With(ctx, principal.Principal{}))
	require.False(t, nobody.Has(principal.ScopeOperator), "an empty principal is not the operator")
	require.True(t, principal.Local().Has(principal.ScopeOperator))
}

func TestOwners(t *testing.T) {
	operator := principal.Local()
	ann := principal.Principal{Tenant: "default", Account: "ann", Scopes: []principal.Scope{principal.ScopeUser}}
	stranger := principal.Principal{Tenant: "other", Account: "ann", Scopes: []principal.Scope{principal.ScopeOperator}}
	job := principal.Resource{Kind: "job", ID: "7", Tenant: "default", Owner: "ann"}
	bobs := principal.Resource{Kind: "job", ID: "8", Tenant: "default", Owner: "bob"}
	const allowed = fault.Internal
	for name, c := range map[string]struct {
		who  principal.Principal
		what principal.Resource
		want fault.Kind
	}{
		"the operator may touch all of its tenant": {operator, job, allowed},
		"an owner may touch its own":               {ann, job, allowed},
		"others may not":                           {ann, bobs, fault.Denied},
		"an operator of another tenant sees none":  {stranger, job, fault.NotFound},
		"the tenant's own things are the operator's": {
			ann, principal.Resource{Kind: "queue", Tenant: "default"}, fault.Denied,
		},
		"the operator may touch the tenant's things": {operator, principal.Resource{Kind: "queue"}, allowed},
		"a new thing belongs to the caller's tenant": {ann, principal.Resource{Kind: "job", Owner: "ann"}, allowed},
		"no account owns nothing":                    {principal.Principal{Tenant: "default"}, principal.Resource{Kind: "job"}, fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			err := principal.Owners{}.Authorize(context.Background(), c.who, "job.read", c.what)
			if c.want == allowed {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Equal(t, c.want, fault.KindOf(err))
		})
	}
}
