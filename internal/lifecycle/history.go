package lifecycle

import (
	"context"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
)

// flushPage is how many accounts FlushHistory looks at in one go.
const flushPage = 500

// firstID sorts before every account id.
const firstID = "0"

// logLast copies the last transition of a into the activity log, before a next
// one can push it out of the document. One that is logged already stays.
func (m *Machine) logLast(ctx context.Context, a *fleet.Account) error {
	if len(a.History) == 0 {
		return nil
	}
	if err := m.log.Append(ctx, entry(a)); err != nil {
		return fmt.Errorf("log the transition to %s: %w", a.State, err)
	}
	return nil
}

// logNew logs a transition that stands. That it cannot be logged now is not its
// failure: see [Machine.HistoryError].
func (m *Machine) logNew(ctx context.Context, next *fleet.Account) {
	if err := m.logLast(ctx, next); err != nil && m.HistoryError != nil {
		m.HistoryError(next.ID, err)
	}
}

// FlushHistory logs the last transition of every account that is not logged
// yet; the sweeper calls it now and then. It gives the number of accounts seen.
func (m *Machine) FlushHistory(ctx context.Context) (int, error) {
	seen := 0
	for after := firstID; ; {
		page, err := m.accounts.Find(ctx, fleet.AccountQuery{After: after, Limit: flushPage})
		if err != nil {
			return seen, fmt.Errorf("flush history: %w", err)
		}
		if len(page) == 0 {
			return seen, nil
		}
		var entries []fleet.Activity
		for _, a := range page {
			if len(a.History) > 0 {
				entries = append(entries, entry(a))
			}
		}
		if err := m.log.Append(ctx, entries...); err != nil {
			return seen, fmt.Errorf("flush history: %w", err)
		}
		seen += len(page)
		after = page[len(page)-1].ID
	}
}

// entry is the log line of an account's last transition. Its id makes writing
// twice writing once; the padding makes ids of one account sort by version.
func entry(a *fleet.Account) fleet.Activity {
	t := a.History[len(a.History)-1]
	return fleet.Activity{
		ID: fmt.Sprintf("%s/%08d", a.ID, t.Version), At: t.At, Kind: "transition",
		Account: a.ID, Session: t.Session, From: string(t.From), To: string(t.To), Reason: t.Reason,
	}
}
