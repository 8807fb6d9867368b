package events

import (
	"context"

	"github.com/kodekloud/kml/internal/fleet"
)

// Position gives the place of now on the stream: what is published afterwards
// comes after it.
func (h *Hub) Position(ctx context.Context) (string, error) {
	_, now, err := h.stream.Read(ctx, "", 0, 1)
	return now, err
}

// Of is the event of a change of a session.
func Of(s *fleet.Session, c fleet.SessionChange) fleet.Event { return event(s, c) }
