package app

import (
	"context"
	"time"

	"github.com/kodekloud/kml/handlers"
	"github.com/kodekloud/kml/scheduler"
)

// Periodic work of services that package scheduler does not know.
const (
	tickBookings   = "bookings"
	tickDeliveries = "deliveries"

	bookingsEvery   = 2 * time.Second
	deliveriesEvery = 10 * time.Second
)

func (a *App) ticks() []scheduler.Tick {
	return append(a.Reconcile.Ticks(), scheduler.Tick{Name: tickBookings, Every: bookingsEvery}, scheduler.Tick{Name: tickDeliveries, Every: deliveriesEvery})
}

func (a *App) tickers() map[string]handlers.Ticker {
	out := map[string]handlers.Ticker{
		tickBookings: a.Bookings.Tick,
		tickDeliveries: func(ctx context.Context, _ time.Time) error {
			_, err := a.Webhooks.Sweep(ctx)
			return err
		},
	}
	for name, f := range a.Reconcile.Tickers() {
		out[name] = f
	}
	return out
}
