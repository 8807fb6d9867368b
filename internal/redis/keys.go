package redis

import "github.com/kodekloud/kml/internal/fleet"

// Every key of the fleet, asynq's own ("asynq:…") aside:
//
//	key                     type    holds                                  lives
//	kml:pool:<pool>         ZSET    ready accounts by time rested, in ms   until popped
//	kml:budget:<name>       HASH    tokens (may be negative), at (in µs)   until full again
//	kml:events              STREAM  the last events, as JSON               until there are 100,000 later ones
//
// Braces are not used: each script touches one key, so
// any cluster slot will do.
const (
	prefix    = "kml:"
	eventsKey = prefix + "events"
)

func poolKey(p fleet.PoolName) string { return prefix + "pool:" + string(p) }

func budgetKey(name string) string { return prefix + "budget:" + name }
