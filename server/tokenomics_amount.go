package server

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// amountInput is an amount that a client sends.
type amountInput struct {
	value tokenomics.Amount
	wrong string // why it is none
}

var (
	_ huma.ResolverWithPath = (*amountInput)(nil)
	_ huma.ResolverWithPath = (*positiveInput)(nil)
)

// UnmarshalJSON reads a number or a decimal text, exactly.
func (a *amountInput) UnmarshalJSON(data []byte) error {
	if err := a.value.UnmarshalJSON(data); err != nil {
		a.wrong = fog.Detail(err)
	}
	return nil
}

// Resolve implements huma.ResolverWithPath: it says where in the request the amount is wrong.
func (a *amountInput) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if a.wrong == "" {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: at.String(), Message: a.wrong}}
}

// Schema implements huma.SchemaProvider.
func (amountInput) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "FOG with up to six decimals, as a number or as a decimal text.",
		OneOf:       []*huma.Schema{{Type: huma.TypeNumber}, {Type: huma.TypeString, MaxLength: new(64)}},
	}
}

// positiveInput is an amount that must be more than nothing.
type positiveInput struct{ amountInput }

// Resolve implements huma.ResolverWithPath.
func (a *positiveInput) Resolve(ctx huma.Context, at *huma.PathBuffer) []error {
	if a.wrong == "" && a.value <= 0 {
		a.wrong = "must be more than 0"
	}
	return a.amountInput.Resolve(ctx, at)
}

// amountSchema is how tokenomics.Amount looks in JSON.
type amountSchema struct{}

// Schema implements huma.SchemaProvider.
func (amountSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Format: "decimal", Description: "FOG, exact to six decimals."}
}
