package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	cacheLife = 3 * time.Second // how long a revoked key may still work elsewhere
	cacheSize = 4096            // entries
)

// cache remembers good keys by their hash for a few seconds, so that a busy
// backend does not read its key with every call. The zero cache is good.
type cache struct {
	mu      sync.Mutex
	entries map[[sha256.Size]byte]cached
}

type cached struct {
	principal Principal
	until     time.Time
}

func (c *cache) get(sum [sha256.Size]byte, now time.Time) (Principal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[sum]
	return e.principal, ok && now.Before(e.until)
}

// put remembers a key, at most until it expires. A full cache begins anew: it
// holds good keys only, so nobody can fill it who has not that many.
func (c *cache) put(sum [sha256.Size]byte, p Principal, expires, now time.Time) {
	until := now.Add(cacheLife)
	if !expires.IsZero() && expires.Before(until) {
		until = expires
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = map[[sha256.Size]byte]cached{}
	}
	c.entries[sum] = cached{p, until}
}

// familiar says whether a key was good when it was last looked at.
func (c *cache) familiar(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.entries[sum]
	return ok
}

// drop forgets a key that is not good any more.
func (c *cache) drop(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, sum)
}

// forget drops a key's entry.
func (c *cache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sum, e := range c.entries {
		if e.principal.ID == id {
			delete(c.entries, sum)
		}
	}
}
