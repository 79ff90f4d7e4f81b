// Package sensor reads what a device can know about itself: load, memory, battery, temperature and whether somebody uses it.
//
// Whatever cannot be read is unknown and never zero: a machine without a thermometer is not at 0 °C. The device's policy says
// what follows from not knowing.
//
//	signal       where it comes from on Linux                          elsewhere
//	CPUTotal     times of all cores, averaged over Config.Window       the same
//	CPUForeign   CPUTotal without what the agent and its workers used  the same
//	MemFreeMB    memory available; 0 while programs stall for memory   without the stalls
//	Battery      /sys/class/power_supply                               unknown
//	Charging     /sys/class/power_supply; true without a battery       unknown
//	TempC        hottest sensor of the hardware monitors               the same
//	UserIdle     last use of the terminals, interrupts of the keyboard unknown
//	Metered      true on a mobile network, else unknown                unknown
//	Network      default route and /sys/class/net                      unknown
//	Pressure     /proc/pressure, our own control group taken off       unknown
//	DiskFreeMB   the file system of Config.Folder                      the same
//
// The kernel's figure of stalls for the CPU counts only where the agent and its workers have a control group for themselves, as a
// service of systemd does, so that theirs can be taken off: workers wait on purpose whenever somebody else wants the CPU. Elsewhere
// stalls for memory and disk include those that guests cause.
//
// Moment and Jump tell sleep from a clock that was set: by CLOCK_BOOTTIME and CLOCK_MONOTONIC on Linux.
//
// Linux on amd64 is run and tested; Linux on arm64, Android, macOS and Windows are compiled only.
package sensor
