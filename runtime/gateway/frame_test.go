package gateway

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
)

// frame builds a frame: fin and opcode, payload, masked or not.
func frame(first byte, payload []byte, mask bool) []byte {
	b := []byte{first}
	bit := byte(0)
	if mask {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	if !mask {
		return append(b, payload...)
	}
	key := []byte{1, 2, 3, 4}
	b = append(b, key...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	return b
}

func TestFrameBoundariesAreFoundAtAnySplit(t *testing.T) {
	for _, mask := range []bool{false, true} {
		var stream []byte
		ends := map[int]bool{0: true}
		for _, f := range [][]byte{
			frame(0x81, []byte("text"), mask), frame(0x82, nil, mask), frame(0x01, bytes.Repeat([]byte("a"), 125), mask),
			frame(0x89, []byte("ping"), mask), frame(0x00, bytes.Repeat([]byte("b"), 126), mask), frame(0x80, bytes.Repeat([]byte("c"), 70000), mask),
			frame(0x8a, nil, mask), frame(0x88, closePayload(4001, "why"), mask),
		} {
			stream = append(stream, f...)
			ends[len(stream)] = true
		}
		for _, size := range []int{1, 2, 3, 7, 64, 1000, len(stream)} {
			var f frames
			for pos := 0; pos < len(stream); {
				end := min(pos+size, len(stream))
				for pos < end {
					pos += f.next(stream[pos:end])
					if f.atBoundary() != ends[pos] {
						t.Fatalf("mask %v, size %d: boundary at %d = %v", mask, size, pos, f.atBoundary())
					}
				}
			}
			if f.ended != 4001 {
				t.Errorf("close code = %d", f.ended)
			}
		}
	}
}

func closePayload(code int, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

func TestCloseFrameWithoutCode(t *testing.T) {
	var f frames
	f.next(frame(0x88, nil, true))
	if f.ended != 1005 {
		t.Errorf("code = %d", f.ended)
	}
}

func TestCloseFrames(t *testing.T) {
	for _, mask := range []bool{false, true} {
		for _, reason := range []string{"", "service restart", strings.Repeat("x", 200)} {
			b := closeFrame(1012, reason, mask)
			var f frames
			if n := f.next(b); n != len(b) || !f.atBoundary() || f.ended != 1012 || len(b) > 131 {
				t.Errorf("mask %v, reason of %d: %d of %d bytes, code %d", mask, len(reason), n, len(b), f.ended)
			}
			if b[1]&0x80 != 0 != mask {
				t.Errorf("mask bit of %x", b[1])
			}
		}
	}
}

func FuzzFramesNeverStall(f *testing.F) {
	f.Add(frame(0x81, []byte("text"), true))
	f.Add([]byte{0x88, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		var fr frames
		for len(p) > 0 {
			n := fr.next(p)
			if n <= 0 || n > len(p) {
				t.Fatalf("took %d of %d bytes", n, len(p))
			}
			p = p[n:]
		}
	})
}

// acceptKey answers a handshake's key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
