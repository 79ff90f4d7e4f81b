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
//	Metered      unknown                                               unknown
//
// The kernel's figure of stalls for the CPU is not used: it counts our own workers, which wait on purpose whenever somebody
// else wants the CPU.
package sensor
