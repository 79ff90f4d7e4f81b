package tokenomics

// escrowed is what the log says of an open hold. Its expiry stands only in the digest of the request that placed it.
type escrowed struct {
	HoldRecord
	digest Digest
}

// escrow carries a hold forward. One of which nothing remains is not open any more.
func (a *auditor) escrow(m *Movement) {
	ref, moved := HoldRef{m.Tenant, m.Hold}, Amount(0)
	for _, p := range m.Postings {
		if p.Kind == KindHeld {
			moved += p.Amount
		}
	}
	hold, open := a.open[ref]
	switch {
	case m.Op == OpHold:
		hold = escrowed{HoldRecord{
			ID: m.Hold, Tenant: m.Tenant, Payer: m.Owner, Creator: m.Creator, Amount: moved, State: HoldOpen, Created: m.At,
		}, m.Digest}
	case open:
		hold.Captured -= moved
	}
	if hold.Remaining() == 0 {
		delete(a.open, ref)
		return
	}
	a.open[ref] = hold
}

// hold checks an open hold that is kept, and takes it off the list of those that the log leaves open.
func (a *auditor) hold(h HoldRecord) {
	ref := HoldRef{h.Tenant, h.ID}
	want := a.open[ref]
	delete(a.open, ref)
	asked := Hold{Payer: h.Payer, Amount: h.Amount, Expires: h.Expires}
	if !h.Created.Equal(want.Created) || digestOf(&asked) != want.digest {
		a.find("hold %q was not placed as it is kept", h.ID)
		return
	}
	h.Created, h.Expires = want.Created, want.Expires
	if h != want.HoldRecord {
		a.find("hold %q is not as its movements have left it", h.ID)
	}
}
