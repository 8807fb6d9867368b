package redisdev

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often miniredis's time, which stands still by itself, catches up.
const tick = 10 * time.Millisecond

// startInProcess runs miniredis.
func startInProcess(_ context.Context, cfg Config, _ string) (*Server, error) {
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(cfg.Addr); err != nil {
		return nil, fmt.Errorf("start miniredis on %s: %w", cfg.Addr, err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { keepTime(m, stop) })
	return &Server{addr: m.Addr(), kind: "miniredis", stop: func() error {
		close(stop)
		wg.Wait()
		m.Close()
		return nil
	}}, nil
}

// keepTime lets keys expire: miniredis counts their time down only when told.
func keepTime(m *miniredis.Miniredis, stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			now := time.Now()
			m.FastForward(now.Sub(last))
			last = now
		}
	}
}
