package idle

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Contribution is work that was validated: one paid slot of a job and who did it. There is at most one per job and slot.
type Contribution struct {
	Tenant     principal.Tenant // empty: the caller's
	Job        string
	Slot       int
	Attempt    string
	Device     DeviceID
	Account    principal.Account // who is paid for it
	Amount     int64             // price of the slot in token base units, 1e-6 FOG; 0 for a free job
	CPUSeconds float64           // as the device reports it
	At         time.Time         // when the work ended; zero: now
}

// ContributionQuery selects contributions of one tenant, newest first.
type ContributionQuery struct {
	Tenant principal.Tenant // empty: the caller's
	Device DeviceID         // empty: any
	Job    string           // empty: any
	Limit  int              // 1 to 1000; 0 means 100
	Cursor string           // from the page before; empty: the first page
}

// ContributionPage is one page of contributions.
type ContributionPage struct {
	Contributions []Contribution
	Next          string // cursor of the next page, empty at the end
}
