package storetest_test

import (
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	t.Run("Accounts", func(t *testing.T) {
		storetest.Accounts(t, func(*testing.T) (fleet.Accounts, fleet.Leases) {
			m := &storetest.Memory{}
			return m, m
		})
	})
	t.Run("Activity", func(t *testing.T) {
		storetest.Activity(t, func(*testing.T) fleet.ActivityLog { return (&storetest.Memory{}).Log() })
	})
}
