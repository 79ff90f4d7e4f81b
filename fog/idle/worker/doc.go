// Package worker runs WebAssembly guests that strangers wrote, each in a worker process that can be killed.
//
// A Pool starts worker processes, which are the same program started again under another name: its main function calls Main
// first. A worker checks a module (Check), compiles it or takes its code from a sealed cache, and then runs it as often as
// it is asked to, so that repeated jobs of one module cost neither a process nor a compilation. The agent's own process neither compiles nor
// runs anything: a guest cannot stop its garbage collector, and whatever goes wrong ends with the worker.
//
// What surrounds a guest, from the inside out:
//
//   - the module: core WebAssembly that imports nothing but WASI preview 1, and no sockets, decided before it is compiled;
//   - the world: its arguments, a file system in memory (/in read-only, /out, /tmp), a clock and randomness that depend on the job
//     alone. No environment, no network, no real files. So equal jobs give equal bytes;
//   - the limits: linear memory, bytes and number of files, standard output, CPU time, time on the clock. A guest that
//     exceeds one fails with class job and the limit's name. Asking for too much memory is the exception: it is denied, as WebAssembly has
//     it, and counts only if the guest then fails;
//   - the process: resource limits, no core dumps, no new privileges, a filter of system calls (no network, no other programs, and once
//     the module is ready no files), the lowest priority, a process group of its own, death with the agent. On Linux; elsewhere as
//     much of it as there is.
//
// A run can be suspended: the process is stopped, uses no CPU and goes on where it was.
package worker
