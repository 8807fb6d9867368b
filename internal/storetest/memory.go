package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

// Memory keeps accounts, leases and the activity log in memory. The zero value
// is empty and ready; it is safe for concurrent use.
type Memory struct {
	mu       sync.Mutex
	accounts map[string]*fleet.Account
	log      []fleet.Activity
}

var (
	_ fleet.Accounts    = (*Memory)(nil)
	_ fleet.Leases      = (*Memory)(nil)
	_ fleet.ActivityLog = MemoryLog{}
)

// Get implements [fleet.Accounts].
func (m *Memory) Get(_ context.Context, id string) (*fleet.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[id]
	if !ok {
		return nil, fmt.Errorf("account %s: %w", id, fleet.ErrNotFound)
	}
	return a.Clone(), nil
}

// BySession implements [fleet.Accounts].
func (m *Memory) BySession(_ context.Context, sessionID string) (*fleet.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.holder(sessionID); a != nil {
		return a.Clone(), nil
	}
	return nil, fmt.Errorf("account of session %s: %w", sessionID, fleet.ErrNotFound)
}

func (m *Memory) holder(sessionID string) *fleet.Account {
	for _, a := range m.accounts {
		if a.SessionID == sessionID {
			return a
		}
	}
	return nil
}

// Insert implements [fleet.Accounts].
func (m *Memory) Insert(_ context.Context, a *fleet.Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts[a.ID] != nil || a.SessionID != "" && m.holder(a.SessionID) != nil {
		return fmt.Errorf("insert account %s: %w", a.ID, fleet.ErrExists)
	}
	if m.accounts == nil {
		m.accounts = map[string]*fleet.Account{}
	}
	return m.put(a, a.Clone(), nil)
}

// put stores next and makes dst what is stored.
func (m *Memory) put(dst, next *fleet.Account, writes []string) error {
	next.Writes = append(slices.Clone(writes), bson.NewObjectID().Hex())
	next.Writes = next.Writes[max(0, len(next.Writes)-10):]
	raw, err := bson.Marshal(next) // drops what MongoDB would drop
	if err != nil {
		return err
	}
	back := &fleet.Account{}
	if err := bson.Unmarshal(raw, back); err != nil {
		return err
	}
	m.accounts[back.ID] = back
	*dst = *back.Clone()
	return nil
}

// Swap implements [fleet.Accounts].
func (m *Memory) Swap(_ context.Context, old, next *fleet.Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.accounts[old.ID]
	fenced := next.State != old.State && next.State.Fenced()
	switch {
	case !ok:
		return fmt.Errorf("write account %s: %w", old.ID, fleet.ErrNotFound)
	case now.State != old.State || now.Version != old.Version || fenced && now.LeaseSeq != old.LeaseSeq:
		return fmt.Errorf("write account %s: %w", old.ID, fleet.ErrConflict)
	}
	if next.SessionID != "" {
		if h := m.holder(next.SessionID); h != nil && h.ID != old.ID {
			return fmt.Errorf("write account %s: %w", old.ID, fleet.ErrExists)
		}
	}
	n := next.Clone()
	n.LeaseSeq, n.Leases = now.LeaseSeq, now.Leases
	if fenced {
		n.Leases = nil
	}
	return m.put(next, n, old.Writes)
}

// Find implements [fleet.Accounts].
func (m *Memory) Find(_ context.Context, q fleet.AccountQuery) ([]*fleet.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*fleet.Account
	for _, a := range m.accounts {
		if selects(q, a) {
			out = append(out, a.Clone())
		}
	}
	slices.SortFunc(out, func(a, b *fleet.Account) int {
		if q.After != "" {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Or(a.RestedSince.Compare(b.RestedSince), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), cmp.Or(q.Limit, 1000))], nil
}

func selects(q fleet.AccountQuery, a *fleet.Account) bool {
	return (len(q.States) == 0 || slices.Contains(q.States, a.State)) &&
		(q.Purpose == "" || q.Purpose == a.Purpose) &&
		(q.Booking == "" || q.Booking == a.Booking) && (q.LabType == "" || q.LabType == a.LabType) &&
		(q.Org == "" || q.Org == a.Org) && (q.OU == "" || q.OU == a.OU) &&
		(q.Before.IsZero() || a.Since.Before(stored(q.Before))) &&
		(q.Due.IsZero() || !a.NextTry.After(stored(q.Due))) &&
		a.ID > q.After
}

// Count implements [fleet.Accounts].
func (m *Memory) Count(context.Context) ([]fleet.AccountCount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[fleet.AccountCount]int{}
	for _, a := range m.accounts {
		n[fleet.AccountCount{Org: a.Org, OU: a.OU, Purpose: a.Purpose, State: a.State}]++
	}
	var out []fleet.AccountCount
	for c, count := range n {
		c.N = count
		out = append(out, c)
	}
	return out, nil
}

// Acquire implements [fleet.Leases].
func (m *Memory) Acquire(_ context.Context, accountID string, epoch int64, lease string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[accountID]
	switch {
	case lease == "":
		return &fleet.FieldError{Field: "lease", Remedy: "give the lease an id"}
	case !ok:
		return fmt.Errorf("lease account %s: %w", accountID, fleet.ErrNotFound)
	case a.Epoch != epoch:
		return fmt.Errorf("lease account %s in epoch %d: %w", accountID, epoch, fleet.ErrStaleEpoch)
	}
	a = a.Clone()
	if a.Leases == nil {
		a.Leases = map[string]time.Time{}
	}
	if until = stored(until); until.After(a.Leases[lease]) {
		a.Leases[lease] = until
	}
	a.LeaseSeq++
	m.accounts[accountID] = a
	return nil
}

// Release implements [fleet.Leases].
func (m *Memory) Release(_ context.Context, accountID, lease string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[accountID]
	if !ok {
		return fmt.Errorf("give back lease %s of account %s: %w", lease, accountID, fleet.ErrNotFound)
	}
	a = a.Clone()
	delete(a.Leases, lease)
	m.accounts[accountID] = a
	return nil
}

// Log is the activity log of the same memory.
func (m *Memory) Log() MemoryLog { return MemoryLog{m} }

// MemoryLog is the activity log of a [Memory].
type MemoryLog struct{ m *Memory }

// Append implements [fleet.ActivityLog].
func (l MemoryLog) Append(_ context.Context, entries ...fleet.Activity) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	for _, e := range entries {
		e.ID, e.At = cmp.Or(e.ID, bson.NewObjectID().Hex()), stored(e.At)
		if !slices.ContainsFunc(l.m.log, func(k fleet.Activity) bool { return k.ID == e.ID }) {
			l.m.log = append(l.m.log, e)
		}
	}
	return nil
}

// Find implements [fleet.ActivityLog].
func (l MemoryLog) Find(_ context.Context, q fleet.ActivityQuery) ([]fleet.Activity, error) {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	var out []fleet.Activity
	for _, e := range l.m.log {
		if (q.Account == "" || e.Account == q.Account) && (q.Session == "" || e.Session == q.Session) &&
			(q.LabType == "" || e.LabType == q.LabType) && (q.Kind == "" || e.Kind == q.Kind) && (q.Who == "" || e.Who == q.Who) &&
			!e.At.Before(stored(q.From)) && (q.To.IsZero() || e.At.Before(stored(q.To))) &&
			(q.Cursor == fleet.Cursor{} || newerFirst(fleet.Activity{At: stored(q.Cursor.At), ID: q.Cursor.ID}, e) < 0) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, newerFirst)
	return out[:min(len(out), cmp.Or(q.Limit, 1000))], nil
}

func newerFirst(a, b fleet.Activity) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) }
