package tokenomics

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// Receipt proves that a movement lies in the ledger: what was written, and its way up to the hash of its block.
type Receipt struct {
	Data  []byte        `json:"data"` // the movement as it was hashed
	Proof chain.Receipt `json:"proof"`
}

// Verify reports whether the receipt is whole, as chain.Receipt.Verify does, and returns the movement that it is for. It
// needs no ledger. That the block lies in a ledger whose head is known is for Proof.Anchor.
func (r Receipt) Verify() (Movement, error) {
	if err := r.Proof.Verify(r.Data); err != nil {
		return Movement{}, err
	}
	return ParseMovement(r.Data)
}

// Movement returns the movement that carried out the request with this operation and key in the caller's tenant. It never changes, so
// whoever repeats a request can be answered as before. It is for everybody whose account the movement touches. Errors: Invalid, Denied,
// NotFound, Unavailable.
func (t *Tokenomics) Movement(ctx context.Context, op Op, key string) (Movement, error) {
	const name = "tokenomics.movement"
	seq, err := t.carriedOut(ctx, name, op, key)
	if err != nil {
		return Movement{}, err
	}
	found, err := t.store.Movements(ctx, seq-1, 1)
	if err != nil {
		return Movement{}, fault.Wrap(name, err)
	}
	if len(found) != 1 || found[0].Seq != seq {
		return Movement{}, fault.Newf(fault.Internal, name, "movement %d is missing: verify the ledger", seq)
	}
	return found[0], fault.Wrap(name, t.mayRead(ctx, principal.From(ctx), &found[0]))
}

// carriedOut returns the number of the movement that carried out a request.
func (t *Tokenomics) carriedOut(ctx context.Context, name string, op Op, key string) (int64, error) {
	if err := first(checkName(name, "op", string(op), maxName), checkName(name, "key", key, maxKey)); err != nil {
		return 0, err
	}
	ref := Reference{principal.From(ctx).Tenant, op, key}
	loaded, err := t.store.Load(ctx, Wanted{References: []Reference{ref}})
	if err != nil {
		return 0, fault.Wrap(name, err)
	}
	seq := loaded.Used[ref].Seq
	if seq == 0 {
		return 0, fault.Newf(fault.NotFound, name, "no %s has the key %q", clip(string(op)), clip(key))
	}
	return seq, nil
}

// Receipt returns the receipt of that movement. Errors: as those of Movement.
func (t *Tokenomics) Receipt(ctx context.Context, op Op, key string) (Receipt, error) {
	const name = "tokenomics.receipt"
	seq, err := t.carriedOut(ctx, name, op, key)
	if err != nil {
		return Receipt{}, err
	}
	movements, block, previous, err := t.block(ctx, seq)
	if err != nil {
		return Receipt{}, fault.Wrap(name, err)
	}
	m := &movements[seq-block.First]
	if err := t.mayRead(ctx, principal.From(ctx), m); err != nil {
		return Receipt{}, fault.Wrap(name, err)
	}
	leaves := make([]chain.Hash, len(movements))
	for i := range movements {
		leaves[i] = movements[i].Leaf()
	}
	proof, err := chain.NewReceipt(seq, leaves, previous, block.Header)
	if err != nil || proof.Hash != block.Hash {
		return Receipt{}, fault.Newf(fault.Internal, name, "block %d to %d is not what was written: verify the ledger", block.First, block.Last)
	}
	return Receipt{Data: m.Data(), Proof: proof}, nil
}

// block reads the block of a movement with all its movements, and the hash of the block before.
func (t *Tokenomics) block(ctx context.Context, seq int64) (movements []Movement, block Block, previous chain.Hash, err error) {
	found, err := t.store.Blocks(ctx, seq-1, 1)
	if err == nil && len(found) == 1 {
		block = found[0]
		movements, err = t.store.Movements(ctx, block.First-1, int(block.Last-block.First+1))
	}
	if err == nil && block.First > 1 {
		if found, err = t.store.Blocks(ctx, block.First-2, 1); len(found) == 1 {
			previous = found[0].Hash
		}
	}
	if err == nil && (seq < block.First || seq > block.Last || int64(len(movements)) != block.Last-block.First+1) {
		err = fault.Newf(fault.Internal, "tokenomics.block", "movement %d has no whole block: verify the ledger", seq)
	}
	return movements, block, previous, err
}

// mayRead asks whether a caller may see a movement: one of the accounts that it touches must be open to them.
func (t *Tokenomics) mayRead(ctx context.Context, who principal.Principal, m *Movement) error {
	var refused error
	accounts := []Account{m.Owner}
	for _, p := range m.Postings {
		accounts = append(accounts, p.Account)
	}
	for _, account := range accounts {
		resource := principal.Resource{
			Kind: "account", ID: string(account), Tenant: who.Tenant, Owner: principal.Account(account),
		}
		if refused = t.config.Authorize.Authorize(ctx, who, "tokenomics.read", resource); refused == nil {
			return nil
		}
	}
	return refused
}
