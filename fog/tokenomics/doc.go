// Package tokenomics is a ledger of tokens with escrow.
//
// Tokens are whole numbers of base units, 1e-6 FOG each. Every movement is a set of postings whose sum is zero (double
// entry), so tokens only ever change their place; they come from the mint, once, and the mint's debt is the total supply.
// Every request carries a key of the caller's: asked again, it answers as before and does nothing, and another content under
// the same key is a conflict. So a caller that lost a reply just asks again.
//
// A hold sets tokens aside for work that will be paid later, until it is captured, voided, or past the time that it was given.
//
//	            Void before the hold
//	(none) ---------------------------> voided   a tombstone: the hold itself is refused for ever
//	   |                                  ^
//	   | Hold: available -> held          |
//	   v                                  |
//	 open --------------------------------+   Void: the rest, held -> available
//	   |  ^
//	   |  | Capture of a part: held -> receivers' available
//	   |--+
//	   |
//	   | Capture of all that is left, or a final one
//	   v
//	settled                                   Void changes nothing, Capture finds nothing left
//
// Requests of concurrent callers share commits. Each is answered by itself: a bad one does not fail its neighbours. On one
// store only the server with the duty "tokenomics.ledger" writes; the others put their requests into a table and wait for
// the verdicts, which are written in the same commit as the movements. Deciding is a pure function (evaluate.go): state
// and requests in, changes and verdicts out; the store then writes the changes if the ledger still stands where it was read.
//
// The same engine prices compute (Market: posted prices that follow demand and supply) and holds the declarations of what may be
// changed while a house runs (Registry, Snapshot).
//
//	t, err := tokenomics.New(tokenomics.Config{})
//	verdicts, err := t.Hold(ctx, []tokenomics.Hold{{ID: "job-1", Payer: "operator", Amount: 5 * tokenomics.FOG}})
package tokenomics
