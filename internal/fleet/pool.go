package fleet

import "strings"

// PoolName names a set of ready accounts: those of a purpose that nothing is
// held for, or those held for one booking.
type PoolName string

// Pool is the pool of a purpose.
func (p Purpose) Pool() PoolName { return PoolName(p) }

const bookedPrefix = "booking/"

// BookedPool is the pool of a booking.
func BookedPool(booking string) PoolName { return PoolName(bookedPrefix + booking) }

// Booking gives the booking whose pool p is, "" if it is the pool of a purpose.
func (p PoolName) Booking() string {
	id, booked := strings.CutPrefix(string(p), bookedPrefix)
	if !booked {
		return ""
	}
	return id
}

// PoolName is the pool that a ready account is in.
func (a *Account) PoolName() PoolName {
	if a.Booking != "" {
		return BookedPool(a.Booking)
	}
	return a.Purpose.Pool()
}

// PoolName is the pool that a session waits for.
func (s *Session) PoolName() PoolName {
	if s.Booking != "" {
		return BookedPool(s.Booking)
	}
	return s.Purpose.Pool()
}
