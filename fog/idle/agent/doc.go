// Package agent is the device side of the platform: it offers a machine's idle time to a server and runs what it is given.
//
// An agent registers, beats, and obeys the directive in each answer. It asks for work only while the device's policy allows it, and
// then keeps one beat open until there is some. What an offer names is fetched into a cache by digest, its guest runs in a worker process
// (package worker), and its result is delivered for as long as that takes. When the owner needs the machine, all guests are suspended
// within a second and keep their leases; they go on when the machine is idle again, and are given back if that takes too long.
//
// The server is not trusted with the device: what it may offer is bounded in number and size, its answers are bounded in length, its
// redirects are not followed. Nothing that fails ends the agent but a server that refuses it.
package agent
