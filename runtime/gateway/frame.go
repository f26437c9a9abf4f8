package gateway

import (
	"crypto/rand"
	"encoding/binary"
)

// WebSocket opcodes (RFC 6455, section 5.2) that the gateway looks at.
const opClose = 0x8

// codeAbsent stands for a Close frame without a code (RFC 6455, section 7.4.1).
const codeAbsent = 1005

// frames follows a stream of WebSocket frames as it passes, without keeping
// any of it: where frames end, and what the Close frame said.
type frames struct {
	head  [14]byte // header bytes of the current frame
	have  int      // how many of them are there
	want  int      // how many there will be; 0: not known yet
	left  uint64   // payload bytes of the current frame to come
	off   int      // payload bytes of the Close frame seen
	code  [2]byte  // the Close frame's status code, unmasked
	ended int      // close code of a Close frame that went by completely, 0 for none
}

// next follows p up to the end of the current frame, or of p, and returns how
// many bytes that were.
func (f *frames) next(p []byte) (n int) {
	for n < len(p) {
		if f.want == 0 || f.have < f.want {
			n += f.header(p[n:])
			if f.want == 0 || f.have < f.want {
				continue
			}
		} else {
			n += f.payload(p[n:])
		}
		if f.left == 0 {
			f.end()
			return n
		}
	}
	return n
}

// atBoundary says whether the stream is between two frames.
func (f *frames) atBoundary() bool { return f.have == 0 }

// header takes one byte of a frame's header.
func (f *frames) header(p []byte) int {
	f.head[f.have] = p[0]
	f.have++
	if f.have == 2 {
		f.want = 2
		switch f.head[1] & 0x7f {
		case 126:
			f.want += 2
		case 127:
			f.want += 8
		}
		if f.masked() {
			f.want += 4
		}
	}
	if f.want != 0 && f.have == f.want {
		f.left = f.length()
		f.off = 0
	}
	return 1
}

func (f *frames) masked() bool { return f.head[1]&0x80 != 0 }

func (f *frames) length() uint64 {
	switch n := f.head[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:4]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:10])
	default:
		return uint64(n)
	}
}

// payload takes payload bytes of the current frame.
func (f *frames) payload(p []byte) int {
	if uint64(len(p)) > f.left {
		p = p[:f.left]
	}
	if f.opcode() == opClose {
		for i := 0; i < len(p) && f.off < 2; i++ {
			f.code[f.off] = p[i]
			if f.masked() {
				f.code[f.off] ^= f.head[f.want-4+f.off]
			}
			f.off++
		}
	}
	f.left -= uint64(len(p))
	return len(p)
}

func (f *frames) opcode() byte { return f.head[0] & 0x0f }

// end ends the current frame.
func (f *frames) end() {
	if f.opcode() == opClose && f.ended == 0 {
		f.ended = codeAbsent
		if f.off == 2 {
			f.ended = int(binary.BigEndian.Uint16(f.code[:]))
		}
	}
	f.have, f.want = 0, 0
}

// maxCloseReason is what a control frame has room for beside the code.
const maxCloseReason = 125 - 2

// closeFrame returns a Close frame. Toward a server frames are masked, toward a
// client they are not (RFC 6455, section 5.1).
func closeFrame(code int, reason string, mask bool) []byte {
	if len(reason) > maxCloseReason {
		reason = reason[:maxCloseReason]
	}
	payload := append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	if !mask {
		return append([]byte{0x80 | opClose, byte(len(payload))}, payload...)
	}
	var key [4]byte
	rand.Read(key[:]) // never fails since Go 1.24
	frame := append([]byte{0x80 | opClose, 0x80 | byte(len(payload))}, key[:]...)
	for i, b := range payload {
		frame = append(frame, b^key[i%4])
	}
	return frame
}
