package main

import (
	"fmt"
	"html"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const (
	width, height, left, right = 1180, 860, 84, 1150
	lastDay                    = 26
	bold, grey, centred        = `font-weight="bold"`, `fill="#666"`, `text-anchor="middle"`
	dashes                     = `stroke="#333" stroke-dasharray="4 3"`
)

type (
	// moment is what people stake, and how the first vote stands.
	moment struct {
		at     time.Time
		staked []tokenomics.Amount // by people, in their order; who comes later is missing
		tally  tokenomics.Tally
	}

	// life is a proposal as the story numbers it.
	life struct {
		id     tokenomics.ProposalID
		title  string
		queued time.Time
		votes  []voice
	}

	// voice is when somebody votes.
	voice struct {
		at  time.Time
		who tokenomics.Account
	}

	// term is what the budget was from some time on.
	term struct {
		from   time.Time
		budget string
	}

	// panel is a part of the picture, with a scale of FOG.
	panel struct {
		top, bottom float64
		most        tokenomics.Amount
	}

	// tone is a colour and what it stands for.
	tone struct{ name, colour string }
)

// note remembers how everything stands.
func (t *town) note() {
	m := moment{at: t.clock.Now()}
	for _, who := range t.people {
		m.staked = append(m.staked, t.balance(who).Staked)
	}
	if len(t.lives) > 0 {
		m.tally = t.get(t.lives[0].id).Tally
	}
	t.past = append(t.past, m)
}

func (t *town) x(at time.Time) float64 { return left + t.days(at)/lastDay*(right-left) }

func (p panel) y(amount tokenomics.Amount) float64 {
	return p.bottom - float64(amount)/float64(p.most)*(p.bottom-p.top)
}

// sketch is the picture as far as it is drawn.
type sketch struct{ strings.Builder }

func (s *sketch) add(format string, a ...any) { fmt.Fprintf(&s.Builder, format+"\n", a...) }

// text writes at a place; how is more of its attributes.
func (s *sketch) text(x, y float64, how, format string, a ...any) {
	s.add(`<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, how, html.EscapeString(fmt.Sprintf(format, a...)))
}

func (s *sketch) box(x, y, w, h float64, colour string) {
	s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, w, h, colour)
}

// head writes the title of a part of the picture, and what its colours stand for.
func (s *sketch) head(y float64, title string, tones ...tone) {
	s.text(14, y, bold, "%s", title)
	x := 230.
	for _, tone := range tones {
		s.box(x, y-11, 12, 12, tone.colour)
		s.text(x+18, y, "", "%s", tone.name)
		x += 48 + 7.2*float64(len(tone.name))
	}
}

// draw writes the picture: stake, the first tally, the lives of all proposals, and the budget, over the same days.
func (t *town) draw(file string, first tokenomics.ProposalID) error {
	s := &sketch{}
	s.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13" fill="#333"><rect width="100%%" height="100%%" fill="white"/>`, width, height)
	for d := 0; d <= lastDay; d += 2 {
		x := t.x(t.began.Add(time.Duration(d) * day))
		s.add(`<path d="M%.1f 50V%d" stroke="#eee"/>`, x, height-48)
		s.text(x, height-32, centred+" "+grey, "%d", d)
	}
	s.text((left+right)/2, height-12, centred, "days since the house was opened")
	vote := t.get(first)
	t.stakes(s, panel{60, 262, 24_000 * tokenomics.FOG}, vote)
	t.tally(s, panel{338, 540, 10_000 * tokenomics.FOG}, vote)
	y := 632.0
	s.head(y-18, "Proposals", append(phases(), tone{"waits to be queued", waiting})...)
	for i, l := range t.lives {
		t.life(s, y, i+1, l)
		y += 28
	}
	t.budgets(s, y+34)
	s.add("</svg>")
	return os.WriteFile(file, []byte(s.String()), 0o644)
}

// scale draws the lines of a panel.
func (s *sketch) scale(p panel, every tokenomics.Amount) {
	for a := tokenomics.Amount(0); a <= p.most; a += every {
		s.add(`<path d="M%d %.1fH%d" stroke="#eee"/>`, left, p.y(a), right)
		s.text(left-8, p.y(a)+4, `text-anchor="end" `+grey, "%s", a)
	}
}

// layer is an amount over time on top of the layers below it, as a step from moment to moment.
func (t *town) layer(s *sketch, p panel, past []moment, colour string, of func(moment) (below, amount tokenomics.Amount)) {
	var edge, back []string // along the top, and along the bottom
	for i, m := range past {
		x, until := t.x(m.at), t.x(past[min(i+1, len(past)-1)].at)
		below, amount := of(m)
		edge = append(edge, fmt.Sprintf("%.1f %.1fH%.1f", x, p.y(below+amount), until))
		back = append(back, fmt.Sprintf("%.1f %.1fH%.1f", until, p.y(below), x))
	}
	slices.Reverse(back)
	s.add(`<path d="M%sZ" fill="%s"/>`, strings.Join(append(edge, back...), "L"), colour)
}

// stakes draws what each of the people stakes, one above the other.
func (t *town) stakes(s *sketch, p panel, vote tokenomics.Proposal) {
	palette := []string{"#3f6fa3", "#8fb8de", "#4f9a62", "#a3d18f", "#8b6bb1", "#e0b04b", "#d1495b"}
	var tones []tone
	s.scale(p, 6000*tokenomics.FOG)
	for i, who := range t.people {
		tones = append(tones, tone{string(who), palette[i%len(palette)]})
		t.layer(s, p, t.past, tones[i].colour, func(m moment) (below, amount tokenomics.Amount) {
			for k, a := range m.staked {
				if k < i {
					below += a
				} else if k == i {
					amount = a
				}
			}
			return below, amount
		})
	}
	s.head(p.top-26, "Staked, FOG", tones...)
	x := t.x(vote.Opened)
	s.add(`<path d="M%.1f %.1fV%.1f" %s/>`, x, p.top, p.bottom, dashes)
	s.text(x+6, p.top+12, "", "voting on #1 begins:")
	s.text(x+6, p.top+29, "", "the %s FOG staked now count,", vote.Power)
	s.text(x+6, p.top+46, "", "whatever happens to them later")
	s.text(t.x(t.began.Add(16*day)), p.y(17_000*tokenomics.FOG), centred+` fill="white"`, "mal comes, and goes")
}

// tally draws the first vote from its beginning to its end, with its quorum, its extension and who votes when.
func (t *town) tally(s *sketch, p panel, vote tokenomics.Proposal) {
	const extension = "#fff0c9"
	s.scale(p, 2500*tokenomics.FOG)
	var past []moment
	for _, m := range t.past {
		if !m.at.Before(vote.Opened) && !m.at.After(vote.Ends) {
			past = append(past, m)
		}
	}
	late, ends := t.x(vote.Opened.Add(5*day)), t.x(vote.Ends)
	s.box(late, p.top, ends-late, p.bottom-p.top, extension)
	tones := []tone{{"for", "#3a9d5d"}, {"against", "#cf5445"}, {"abstain", "#b9bec4"}, {"the vote was made longer", extension}}
	for i, of := range []func(tokenomics.Tally) (below, amount tokenomics.Amount){
		func(y tokenomics.Tally) (_, _ tokenomics.Amount) { return 0, y.For },
		func(y tokenomics.Tally) (_, _ tokenomics.Amount) { return y.For, y.Against },
		func(y tokenomics.Tally) (_, _ tokenomics.Amount) { return y.For + y.Against, y.Abstain },
	} {
		t.layer(s, p, past, tones[i].colour, func(m moment) (_, _ tokenomics.Amount) { return of(m.tally) })
	}
	s.head(p.top-26, "Votes on #1, FOG", tones...)
	s.add(`<path d="M%.1f %.1fH%.1f" %s/>`, t.x(vote.Opened), p.y(vote.Quorum), ends, dashes)
	s.text(t.x(vote.Opened)+6, p.y(vote.Quorum)-6, "", "quorum %s", vote.Quorum)
	for _, v := range t.lives[0].votes {
		s.add(`<path d="M%.1f %.1fv7" stroke="#333"/>`, t.x(v.at), p.bottom)
		s.text(t.x(v.at), p.bottom+21, centred, "%s", v.who)
	}
	for i, line := range []string{
		"ada votes with what bea has delegated to her,",
		"until bea votes herself.",
		"dan brings the quorum an hour before the end:",
		"the others have two days more to answer.",
		"eli's abstention counts for the quorum alone.",
	} {
		s.text(ends+14, p.top+30+float64(i)*20, grey, "%s", line)
	}
}

// waiting is the colour of what has succeeded and is not queued.
const waiting = "#e6e6e6"

// phases are those of a proposal's life that have a colour of their own, in their order.
func phases() []tone {
	return []tone{{"deposit and delay", "#cfd8e3"}, {"vote", "#7ea6d8"}, {"time lock", "#e3c878"}}
}

// life draws the phases of a proposal, and how it ended.
func (t *town) life(s *sketch, y float64, number int, l *life) {
	p, tones := t.get(l.id), phases()
	for _, phase := range []struct {
		colour   string
		from, to time.Time
	}{
		{tones[0].colour, p.Created, p.Opened}, {tones[1].colour, p.Opened, p.Ends}, {waiting, p.Ends, l.queued}, {tones[2].colour, l.queued, p.Ended},
	} {
		if w := t.x(phase.to) - t.x(phase.from); w > 0 {
			s.box(t.x(phase.from), y, w, 20, phase.colour)
		}
	}
	end := map[tokenomics.ProposalState]string{tokenomics.ProposalExecuted: "#2f8f50", tokenomics.ProposalCancelled: "#c0392b"}[p.State]
	s.add(`<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, t.x(p.Ended), y+10, end)
	x, anchor := t.x(p.Ended)+12, "start"
	if t.days(p.Ended) > 16 { // there is more room before it
		x, anchor = t.x(p.Created)-10, "end"
	}
	s.text(x, y+14, fmt.Sprintf("text-anchor=%q", anchor), "#%d %s: %s", number, l.title, p.State)
}

// budgets draws what the parameter was when.
func (t *town) budgets(s *sketch, y float64) {
	s.head(y-12, "The parameter "+roundBudget)
	colours := map[string]string{"none": "#e6e6e6", "250ms": "#8fce9f", "20ms": "#f0b6a8"}
	for i, m := range t.terms {
		until := t.began.Add(lastDay * day)
		if i+1 < len(t.terms) {
			until = t.terms[i+1].from
		}
		x, w := t.x(m.from), t.x(until)-t.x(m.from)
		s.box(x, y, w, 22, colours[m.budget])
		s.text(x+w/2, y+16, centred, "%s", m.budget)
	}
}
