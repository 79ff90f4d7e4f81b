package tokenomics

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// OpPropose makes a proposal.
const OpPropose Op = "propose"

// Limits of what a proposal may say.
const (
	minTitle, maxTitle             = 10, 200  // characters
	minDescription, maxDescription = 50, 5000 // characters
	maxActions                     = 16
)

// ProposalKind says what a proposal is about, and so which actions it may have.
type ProposalKind string

const (
	// ParameterChange sets parameters of engines.
	ParameterChange ProposalKind = "parameter_change"
	// TreasuryAllocation pays out of the account Treasury.
	TreasuryAllocation ProposalKind = "treasury_allocation"
	// ProtocolUpgrade accepts a version of the protocol: it sets ParamProtocol and nothing else. It records the decision and installs
	// nothing.
	ProtocolUpgrade ProposalKind = "protocol_upgrade"
	// AgentDeployment publishes what agents are to run: it sets ParamAgents, whole, and nothing else.
	AgentDeployment ProposalKind = "agent_deployment"
	// EmergencyAction sets parameters of engines for a while, with a shorter vote and a higher threshold. Only the guardian proposes
	// it; it needs no power, no deposit and no delay. When its time is over each parameter goes back to what it was, unless it
	// was changed meanwhile. It cannot change the rules of governance.
	EmergencyAction ProposalKind = "emergency_action"
	// GeneralGovernance decides something that programs do not execute: it has no actions.
	GeneralGovernance ProposalKind = "general_governance"
)

// Counting says how a vote is counted.
type Counting string

const (
	// CountLinear counts power, of each account at most Governance.VoterCap.
	CountLinear Counting = "linear"
	// CountQuadratic counts the square root of the power of each person: of all their accounts together, as the account that has voted last
	// says. Without a person behind an account its vote is refused; else whoever splits a stake among many accounts would gain.
	CountQuadratic Counting = "quadratic"
)

// Action is exactly one thing that a proposal does when it is executed. The tags doc describe each field in its schema.
type Action struct {
	Set *SetParameter `json:"set,omitempty" doc:"A parameter that gets another value."`
	Pay *Payment      `json:"pay,omitempty" doc:"What is paid out of the treasury."`
}

// SetParameter gives a parameter another value.
type SetParameter struct {
	Key   string          `json:"key" doc:"Key of the parameter, as its engine has declared it."`
	Value json.RawMessage `json:"value" doc:"Its value; null: its default."`
}

// Payment pays out of the treasury.
type Payment struct {
	To     Account `json:"to" doc:"Account that is paid, another one than the treasury."`
	Amount Amount  `json:"amount" doc:"FOG, more than 0."`
}

// Propose makes a proposal. It is idempotent by Key. Actions are checked as far as they can be now, by the validation that their engines
// have declared, and again when they are executed.
type Propose struct {
	Key         string           `json:"key"`    // 1 to 200 characters
	Tenant      principal.Tenant `json:"tenant"` // empty: the caller's
	Proposer    Account          `json:"proposer"`
	Title       string           `json:"title"`              // 10 to 200 characters
	Description string           `json:"description"`        // 50 to 5,000 characters; may have several lines
	Kind        ProposalKind     `json:"kind,omitempty"`     // empty: GeneralGovernance
	Actions     []Action         `json:"actions,omitempty"`  // 1 to 16; none for GeneralGovernance
	Counting    Counting         `json:"counting,omitempty"` // empty: CountLinear
	Deposit     Amount           `json:"deposit,omitzero"`   // that the proposer deposits at once; 0: nothing yet
}

// motion is the body of the record of what a proposal says.
type motion struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Actions     []Action `json:"actions,omitempty"`
}

var _ order = (*Propose)(nil)

func (p *Propose) reference() Reference { return Reference{p.Tenant, OpPropose, p.Key} }

func (p *Propose) owner() Account { return p.Proposer }

func (p *Propose) within(tenant principal.Tenant) Request {
	c := *p
	c.Tenant = cmp.Or(c.Tenant, tenant)
	c.Kind, c.Counting = cmp.Or(c.Kind, GeneralGovernance), cmp.Or(c.Counting, CountLinear)
	return Request{Propose: &c}
}

func (p *Propose) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(p.Tenant), maxName),
		checkName(op, "key", p.Key, maxKey),
		checkName(op, "proposer", string(p.Proposer), maxName),
		checkText(op, "title", p.Title, maxTitle),
		checkText(op, "description", strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(p.Description), maxDescription),
		checkAmount(op, "deposit", p.Deposit, 0))
	switch {
	case err != nil:
		return err
	case utf8.RuneCountInString(p.Title) < minTitle:
		return fault.Field(op, "title", "must have at least %d characters", minTitle)
	case utf8.RuneCountInString(p.Description) < minDescription:
		return fault.Field(op, "description", "must have at least %d characters", minDescription)
	case p.Counting != CountLinear && p.Counting != CountQuadratic:
		return fault.Field(op, "counting", "must be %s or %s", CountLinear, CountQuadratic)
	}
	return p.validActions(op)
}

// validActions checks that the actions are those of the kind.
func (p *Propose) validActions(op string) error {
	least, most := 1, maxActions
	switch p.Kind {
	case ParameterChange, TreasuryAllocation, EmergencyAction:
	case ProtocolUpgrade, AgentDeployment:
		most = 1
	case GeneralGovernance:
		least, most = 0, 0
	default:
		return fault.Field(op, "kind", "%q is not a kind of proposal", clip(string(p.Kind)))
	}
	if len(p.Actions) < least || len(p.Actions) > most {
		return fault.Field(op, "actions", "%s has from %d to %d actions, not %d", p.Kind, least, most, len(p.Actions))
	}
	total, seen := Amount(0), map[string]bool{}
	for _, a := range p.Actions {
		var err error
		switch pays := p.Kind == TreasuryAllocation; {
		case (a.Set == nil) == (a.Pay == nil):
			return fault.Field(op, "actions", "each must be exactly one of set and pay")
		case pays != (a.Pay != nil):
			return fault.Field(op, "actions", "%s takes payments: %t", p.Kind, pays)
		case pays:
			total, err = p.validPayment(op, a.Pay, total)
		case seen[a.Set.Key]:
			return fault.Field(op, "actions.set.key", "%q is set twice", a.Set.Key)
		default:
			seen[a.Set.Key] = true
			err = p.validSet(op, a.Set)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// validPayment adds a payment to those before it.
func (p *Propose) validPayment(op string, pay *Payment, total Amount) (Amount, error) {
	err := first(checkName(op, "actions.pay.to", string(pay.To), maxName), checkAmount(op, "actions.pay.amount", pay.Amount, 1))
	if err == nil && pay.To == Treasury {
		err = fault.Field(op, "actions.pay.to", "must be another account than %s", Treasury)
	}
	if err != nil {
		return 0, err
	}
	if total, err = total.Add(pay.Amount); err != nil {
		return 0, fault.Field(op, "actions.pay.amount", "the payments add up to more than %s", MaxSupply)
	}
	return total, nil
}

// validSet checks that a parameter is one that this kind may set.
func (p *Propose) validSet(op string, set *SetParameter) error {
	const field = "actions.set.key"
	if _, err := Canonical(set.Value); err != nil {
		return fault.Field(op, "actions.set.value", "%s: %s", clip(set.Key), fault.Detail(err))
	}
	rule := strings.HasPrefix(set.Key, "governance.")
	switch own := map[string]ProposalKind{ParamProtocol: ProtocolUpgrade, ParamAgents: AgentDeployment}[set.Key]; {
	case !isKey(set.Key):
		return fault.Field(op, field, "%q is not the key of a parameter", clip(set.Key))
	case own != "" && p.Kind != own:
		return fault.Field(op, field, "%s is set by proposals of the kind %s", set.Key, own)
	case own == "" && (p.Kind == ProtocolUpgrade || p.Kind == AgentDeployment):
		return fault.Field(op, field, "%s does not set %s", p.Kind, set.Key)
	case rule && p.Kind == EmergencyAction:
		return fault.Field(op, field, "the rules of governance are changed by proposals of the kind %s", ParameterChange)
	case !rule && p.Tenant != principal.DefaultTenant:
		return fault.Field(op, field, "parameters of engines are those of the tenant %s", principal.DefaultTenant)
	}
	return nil
}

func (p *Propose) body(b *body) {
	b.text(string(p.Proposer))
	b.text(p.Title)
	b.text(p.Description)
	b.text(string(p.Kind))
	b.text(string(p.Counting))
	b.number(int64(p.Deposit))
	for _, a := range p.Actions {
		if a.Set != nil {
			value, _ := Canonical(a.Set.Value) // it has been validated
			b.text(a.Set.Key)
			b.text(string(value))
			continue
		}
		b.text(string(a.Pay.To))
		b.number(int64(a.Pay.Amount))
	}
}

func (p *Propose) decide(e *evaluation, it *item) error {
	rules, version, err := e.governance(p.Tenant)
	if err != nil {
		return err
	}
	if err := p.allowed(e, it, rules); err != nil {
		return err
	}
	if err := e.valid(it, p.Tenant, settings(p.Actions)); err != nil {
		return err
	}
	d := &docket{
		proposal: proposal{
			Kind: p.Kind, Counting: p.Counting, Proposer: p.Proposer, Created: e.now, Idle: len(p.Actions) == 0, Based: version,
			Terms: terms{Deposit: rules.Deposit, Delay: rules.VotingDelay}, Deadline: e.now.Add(rules.DepositPeriod),
		},
		e: e, it: it, tenant: p.Tenant, id: ProposalID(e.state.head.Last + 1), creator: it.creator,
	}
	d.minutes.Proposal, d.minutes.Motion = d.id, &motion{p.Title, p.Description, canonicalActions(p.Actions)}
	if p.Kind == EmergencyAction {
		d.Terms.Deposit, d.Terms.Delay = 0, 0
	}
	if err := d.become(ProposalDraft); err != nil {
		return err
	}
	if err := d.deposit(p.Proposer, p.Deposit); err != nil {
		return err
	}
	e.state.count(p.Tenant, countProposals, 1, 0)
	return d.settle(Movement{Owner: p.Proposer}, func() error {
		return e.put(it, Record{
			RecordRef: RecordRef{p.Tenant, ClassMotion, d.id.key()}, Owner: p.Proposer, Creator: it.creator, State: string(p.Kind),
		}, d.minutes.Motion)
	})
}

// allowed checks that this proposer may make such a proposal by the rules of now.
func (p *Propose) allowed(e *evaluation, it *item, rules Governance) error {
	if p.Counting == CountQuadratic {
		switch {
		case e.rules.identities == nil:
			return fault.Field(it.op(), "counting", "counting by persons needs a verifier of identities, and there is none")
		case rules.Quadratic < 0, rules.Quadratic == 0 && p.Kind != GeneralGovernance:
			return fault.Field(it.op(), "counting", "%s may not count by persons: see the parameter governance.quadratic", p.Kind)
		}
	}
	if p.Kind == EmergencyAction {
		if p.Proposer != e.rules.guardian {
			return fault.Newf(fault.Denied, it.op(), "only the guardian, account %q, may propose an emergency action", e.rules.guardian)
		}
		return nil
	}
	power, err := e.powerAt(p.Tenant, p.Proposer, e.state.head.Last)
	if err == nil && power < rules.MinPower {
		err = fault.Newf(fault.Insufficient, it.op(), "account %q has a power of %s FOG, a proposer needs %s", p.Proposer, power, rules.MinPower)
	}
	return err
}

// settings returns the values that actions set.
func settings(actions []Action) map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	for _, a := range actions {
		if a.Set != nil {
			values[a.Set.Key] = a.Set.Value
		}
	}
	return values
}

// canonicalActions returns actions whose values are canonical.
func canonicalActions(actions []Action) []Action {
	out := make([]Action, len(actions))
	for i, a := range actions {
		if out[i] = a; a.Set != nil {
			value, _ := Canonical(a.Set.Value) // it has been validated
			out[i].Set = &SetParameter{a.Set.Key, value}
		}
	}
	return out
}

// Propose makes proposals in one commit and answers each by itself: nil and its number (proposed, now or before), Insufficient (the
// proposer's power, or what it deposits), Conflict (another proposal has this key), Invalid (also a value that its engine
// refuses), NotFound, or Denied: accounts propose in their own name, and emergencies are the guardian's. An error for all of them leaves the
// outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Propose(ctx context.Context, proposals []Propose) ([]ProposalID, []error, error) {
	const op = "tokenomics.propose"
	requests := make([]Request, len(proposals))
	wanted := Wanted{References: make([]Reference, len(proposals))}
	tenant := principal.From(ctx).Tenant
	for i := range proposals {
		requests[i].Propose = &proposals[i]
		wanted.References[i] = requests[i].Propose.within(tenant).Reference()
	}
	verdicts, err := t.Post(ctx, requests)
	if err != nil || len(proposals) == 0 {
		return nil, nil, err
	}
	loaded, err := t.store.Load(ctx, wanted)
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	ids := make([]ProposalID, len(proposals))
	for i, ref := range wanted.References {
		if verdicts[i] == nil {
			ids[i] = ProposalID(loaded.Used[ref].Seq)
		}
	}
	return ids, verdicts, nil
}
