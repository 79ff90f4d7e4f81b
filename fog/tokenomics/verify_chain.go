package tokenomics

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// VerifyChain reads the log behind a head that is trusted, at one moment, and checks that it is what was written: every movement
// stands in its place in its block, and every block behind the one before. It returns the head that it arrives at, from
// which the next call can go on; the zero Head stands before the first movement. So it proves that nothing behind a head
// kept elsewhere was changed, and that what came before that head is what it stood for; whether movements were accepted
// rightly is what Audit recomputes, which takes several times as long. It is the operator's.
// Errors: Conflict, which wraps chain.ErrGap, chain.ErrRoot or chain.ErrLink and names the place; Denied; Unavailable.
func (t *Tokenomics) VerifyChain(ctx context.Context, behind chain.Head) (end chain.Head, err error) {
	const op = "tokenomics.verify_chain"
	if err := t.operates(ctx, op); err != nil {
		return chain.Head{}, err
	}
	err = t.store.Snapshot(ctx, func(s Moment) error {
		end, err = verifyChain(ctx, s, behind)
		return err
	})
	return end, fault.Wrap(op, err)
}

func verifyChain(ctx context.Context, s Moment, behind chain.Head) (chain.Head, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return chain.Head{}, err
	}
	v := chain.NewVerifier(behind)
	if err := follow(ctx, s, v, func(*Movement, []byte) error { return nil }); err != nil {
		return chain.Head{}, err
	}
	end, err := v.End()
	if err == nil && end != head {
		err = apart(head, end)
	}
	return end, err
}

// apart says that a log does not end where the ledger stands.
func apart(head, end chain.Head) error {
	err := fault.Newf(fault.Conflict, "tokenomics.verify", "the head is movement %d in block %s, the log ends with %d in %s",
		head.Last, head.Hash, end.Last, end.Hash)
	err.Err = chain.ErrLink
	if head.Last != end.Last {
		err.Err = chain.ErrGap
	}
	return err
}

// follow reads the log behind the verifier's head into the verifier, which tells the first break at its end, and calls row for each
// movement.
func follow(ctx context.Context, s Moment, v *chain.Verifier, row func(m *Movement, body []byte) error) error {
	var blocks []Block // of the page, and perhaps more
	var room []byte
	last, sealed := v.Head().Last, v.Head().Last
	for more := true; more; {
		if sealed < last+auditPage {
			page, err := s.Blocks(ctx, sealed, auditPage)
			if err != nil {
				return err
			}
			if blocks = append(blocks, page...); len(page) > 0 {
				sealed = page[len(page)-1].Last
			}
		}
		read := 0
		err := s.Movements(ctx, last, auditPage, func(m *Movement, body []byte) error {
			read++
			last = m.Seq
			room = m.columns(room[:0])
			_ = v.Entry(m.Seq, room, body)
			if len(blocks) > 0 && blocks[0].Last == m.Seq {
				_ = v.Block(blocks[0].Header, blocks[0].Hash)
				blocks = blocks[1:]
			}
			return row(m, body)
		})
		if err != nil {
			return err
		}
		more = read == auditPage
	}
	return nil
}
