package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func sumOf(n int) [sha256.Size]byte {
	var sum [sha256.Size]byte
	binary.BigEndian.PutUint64(sum[:], uint64(n))
	return sum
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache()
	for n := range 10 * cacheSize {
		c.put(sumOf(n), &Token{}, start)
	}
	if size := len(c.young) + len(c.old); size > 2*cacheSize {
		t.Errorf("%d entries", size)
	}
	if c.get(sumOf(0), start) != nil {
		t.Error("the oldest entry is still there")
	}
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache()
	used := &Token{}
	c.put(sumOf(0), used, start)
	for n := range 10 * cacheSize {
		c.put(sumOf(n+1), &Token{}, start)
		if c.get(sumOf(0), start) != used {
			t.Fatalf("lost after %d others", n)
		}
	}
}
