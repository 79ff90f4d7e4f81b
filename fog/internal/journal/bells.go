package journal

import "sync"

// Bells wakes the readers of topics inside one process: one channel a topic, each holding at most one hint. Its zero value
// is ready, and it is safe for concurrent use.
type Bells struct {
	mu    sync.Mutex // guards bells
	bells map[Topic]chan struct{}
}

// Ring leaves a hint for the readers of a topic. It never blocks.
func (b *Bells) Ring(topic Topic) {
	select {
	case b.bell(topic) <- struct{}{}:
	default:
	}
}

// RingAll leaves a hint for the readers of every topic that has some.
func (b *Bells) RingAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bell := range b.bells {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}

// Wake returns the channel of a topic.
func (b *Bells) Wake(topic Topic) <-chan struct{} { return b.bell(topic) }

func (b *Bells) bell(topic Topic) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	bell, ok := b.bells[topic]
	if !ok {
		if b.bells == nil {
			b.bells = map[Topic]chan struct{}{}
		}
		bell = make(chan struct{}, 1)
		b.bells[topic] = bell
	}
	return bell
}
