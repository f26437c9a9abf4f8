package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// cacheSize bounds each of the cache's two generations.
	cacheSize = 512
	// cacheAge is how long a verified signature is believed, so that a key an
	// issuer withdrew does not live on here.
	cacheAge = keySetAge
)

// cache remembers tokens whose signature was verified, by a digest of the
// token. It says nothing about time: exp and nbf are checked at each use. When
// the young generation is full it becomes the old one, whose entries are
// dropped together unless they were used meanwhile.
type cache struct {
	mu    sync.Mutex // guards young and old
	young map[[sha256.Size]byte]cached
	old   map[[sha256.Size]byte]cached
}

type cached struct {
	token *Token
	at    time.Time
}

func newCache() *cache {
	return &cache{young: make(map[[sha256.Size]byte]cached)}
}

func (c *cache) get(sum [sha256.Size]byte, now time.Time) *Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.young[sum]
	if !ok {
		if entry, ok = c.old[sum]; !ok {
			return nil
		}
		c.insert(sum, entry)
	}
	if now.Sub(entry.at) >= cacheAge {
		return nil
	}
	return entry.token
}

func (c *cache) put(sum [sha256.Size]byte, token *Token, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(sum, cached{token, now})
}

func (c *cache) insert(sum [sha256.Size]byte, entry cached) {
	if len(c.young) >= cacheSize {
		c.old = c.young
		c.young = make(map[[sha256.Size]byte]cached, cacheSize)
	}
	c.young[sum] = entry
}
