package worker

import "golang.org/x/sys/unix"

// hugeFrom is the size from which a guest's memory may lie in huge pages. Below, clearing a whole one costs more than it saves.
const hugeFrom = 4 << 20

// spacious lets memory lie in huge pages, where the system has them for whoever asks: guests that walk through much of it are faster by up
// to a third.
func spacious(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }
