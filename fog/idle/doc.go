// Package idle keeps a fleet of devices that lend their idle time: it enrols them, decides on each beat whether a device
// may be harvested now and gives every reason why not, hands work to those that may, notices the ones that fall silent,
// and records what each has contributed.
//
// # A device's life
//
//	Register ---> registered
//	                  | first beat
//	                  v      Drain on
//	               online <------------> draining
//	                | ^ |    Drain off    |   |
//	                | | |                 |   |
//	   silent for   | | | Bye             |   | (both ways out of draining as well;
//	   the presence | | |                 |   |  a beat then leads back to draining)
//	   deadline     | | |                 v   v
//	                v | v
//	             lost | offline
//	                \_|_/  beat
//
//	Judge        from online or draining to quarantined, after too many strikes, and back when its time is over or by Restore
//	Revoke       from any state to revoked; Restore leads back to registered
//	Unregister   from any state but revoked to unregistered; Register leads back to registered
//
// A device is alive while it is online, draining or quarantined. Whether it is eligible is a second question that Evaluate answers, a
// pure function of its policy, its telemetry, the decision before and the time. Each change of state, eligibility or
// capacity is a transition: it is written at once, under the version that it starts from, with a fact in the same commit.
//
// # What is in memory
//
// A beat costs no database access unless it makes a transition. What it says (telemetry, last contact, held attempts)
// stays in memory and is written in batches by Run, well within the presence deadline; a crash loses at most one batch of
// it, and a device that beats again brings it back. Several servers may share one store, and a device may beat at any of
// them: the deadline is judged by what all of them have written, a server that has not met a device loads it, and one
// that finds its version outdated adopts the stored row.
//
// The server's clock is the only one that counts.
package idle
