package chat

import (
	"fmt"
	"sync"
)

// backlog is how many lines a member may be behind.
const backlog = 32

// room is who is there. Its methods may be called by many goroutines at once.
type room struct {
	mu      sync.Mutex // guards members, and closing their lines
	members map[*member]bool
}

// member is one socket in the room.
type member struct {
	name  string
	lines chan string // closed when the member fell behind
}

func newRoom() *room { return &room{members: map[*member]bool{}} }

func (m *room) join(name string) *member {
	me := &member{name: name, lines: make(chan string, backlog)}
	m.mu.Lock()
	m.members[me] = true
	n := len(m.members)
	m.mu.Unlock()
	m.say(fmt.Sprintf("%s joined, %d here", name, n))
	return me
}

func (m *room) leave(me *member) {
	m.mu.Lock()
	delete(m.members, me)
	n := len(m.members)
	m.mu.Unlock()
	m.say(fmt.Sprintf("%s left, %d here", me.name, n))
}

// say hands line to everybody without waiting for anybody.
func (m *room) say(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other := range m.members {
		select {
		case other.lines <- line:
		default:
			delete(m.members, other)
			close(other.lines)
		}
	}
}
