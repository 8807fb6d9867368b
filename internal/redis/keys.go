package redis

import "github.com/kodekloud/kml/internal/fleet"

// Every key of the fleet, asynq's own ("asynq:…") aside:
//
//	key                     type    holds                                  lives
//	kml:pool:<pool>         ZSET    ready accounts by time rested, in ms   until popped
//	kml:budget:<name>       HASH    tokens (may be negative), at (in µs)   until full again
//	kml:events              STREAM  the last events, as JSON               until there are 100,000 later ones
//	kml:failures:<who>      STRING  failed logins, counted                 15 minutes from the last
//	rate:kml:<what>         STRING  when the next is due, by redis_rate    until all is allowed again
//
// Braces are not used: each script touches one key, so
// any cluster slot will do.
const (
	prefix    = "kml:"
	eventsKey = prefix + "events"
)

func poolKey(p fleet.PoolName) string { return prefix + "pool:" + string(p) }

func budgetKey(name string) string { return prefix + "budget:" + name }

func failuresKey(who string) string { return prefix + "failures:" + who }

// limitKey is what redis_rate puts "rate:" before.
func limitKey(what string) string { return prefix + what }
