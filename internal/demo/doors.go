package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// door is how a backend asks for a lab, and ends it.
type door interface {
	// request asks for a lab, again if the first reply counts as lost, and waits
	// until it is handed out or over. It gives the session's id.
	request(ctx context.Context, id string, s *student, lab time.Duration, twice bool) (string, error)
	reveal(ctx context.Context, session string) (fleet.Credentials, error)
	end(ctx context.Context, session, reason string) error
}

// door is the one that a student's backend comes by: every other one by the API,
// if there is one.
func (f Fleet) door(n int) door {
	if f.API != nil && n%2 == 1 {
		return apiDoor{f.API}
	}
	return queueDoor{f}
}

// queueDoor is Redis, and package tasks.
type queueDoor struct{ fleet Fleet }

func (d queueDoor) request(ctx context.Context, id string, s *student, lab time.Duration, twice bool) (string, error) {
	t, err := tasks.NewAssign(tasks.Assign{RequestID: id, LabType: s.lab, Student: s.name + "@example.org", Duration: lab})
	if err != nil {
		return "", err
	}
	for range times(twice) {
		if _, err := d.fleet.Queue.EnqueueContext(ctx, t); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
			return "", fmt.Errorf("request %s: %w", id, err)
		}
	}
	return d.await(ctx, id)
}

const look = 50 * time.Millisecond

// await looks for the session of a request until it is handed out or over.
func (d queueDoor) await(ctx context.Context, request string) (string, error) {
	for {
		session, err := d.fleet.Sessions.ByRequest(ctx, request)
		switch {
		case err == nil && (session.State == fleet.SessionActive || session.State.Final()):
			return session.ID, nil
		case err != nil && !errors.Is(err, fleet.ErrNotFound):
			return "", fmt.Errorf("session of %s: %w", request, err)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %s: %w", request, ctx.Err())
		case <-time.After(look):
		}
	}
}

func (d queueDoor) reveal(ctx context.Context, session string) (fleet.Credentials, error) {
	return d.fleet.Assign.Reveal(ctx, session)
}

func (d queueDoor) end(ctx context.Context, session, reason string) error {
	return d.fleet.Assign.End(ctx, session, reason)
}

// apiDoor is the HTTP API.
type apiDoor struct{ api *apiclient.Client }

func (d apiDoor) request(ctx context.Context, id string, s *student, lab time.Duration, twice bool) (string, error) {
	var got apitypes.Lab
	for range times(twice) {
		var err error
		got, err = d.api.RequestLab(ctx, apitypes.LabRequest{Type: s.lab, Student: s.name + "@example.org", Duration: apitypes.Duration(lab), RequestID: id}, apiclient.LongestWait)
		if err != nil {
			return "", fmt.Errorf("request %s: %w", id, err)
		}
	}
	if !got.Settled() {
		var err error
		if got, err = d.api.WaitLab(ctx, got.ID, nil); err != nil {
			return "", fmt.Errorf("waiting for %s: %w", id, err)
		}
	}
	return got.ID, nil
}

func (d apiDoor) reveal(ctx context.Context, session string) (fleet.Credentials, error) {
	c, err := d.api.Credentials(ctx, session)
	if err != nil {
		return fleet.Credentials{}, err
	}
	return fleet.Credentials{AccountID: c.Account, AccessKeyID: c.AccessKeyID, SecretKey: c.SecretAccessKey,
		ConsoleURL: c.ConsoleURL, UserName: c.UserName, Password: c.Password, Regions: c.Regions}, nil
}

func (d apiDoor) end(ctx context.Context, session, reason string) error {
	_, err := d.api.EndLab(ctx, session, reason)
	return err
}

func times(twice bool) int {
	if twice {
		return 2
	}
	return 1
}
