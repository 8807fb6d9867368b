package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// The exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitNotFound
	exitRefused
	exitConflict
	exitTimeout
	exitUnreachable
)

// exitCodes says what they mean; docs/kmlctl.md has the same table.
var exitCodes = []struct {
	code  int
	means string
}{
	{exitOK, "done"},
	{exitFailed, "failed: the lab failed, a check of doctor is red, a confirmation was not given, the server had an error"},
	{exitUsage, "the command line or what was given is wrong, or a confirmation is needed and there is no terminal"},
	{exitNotFound, "not found, or another's"},
	{exitRefused, "the key is missing, unknown or run out, or its role may not"},
	{exitConflict, "what stands does not allow it: a wrong state, a name taken, or changed meanwhile"},
	{exitTimeout, "the time ran out, or it was not ready within --wait"},
	{exitUnreachable, "the server cannot be reached"},
}

// exitCodesTopic is "kmlctl help exit-codes".
func exitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("kmlctl ends with one of these codes:\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", c.code, c.means)
	}
	b.WriteString("\n\"labs shell\" ends with the code of its shell.\n")
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: b.String()}
}

// usageError says that the command line was wrong.
type usageError struct {
	err     error
	command string // whose help says more
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// misused marks an error that came before the command began.
func misused(err error, c *cobra.Command) error {
	var u *usageError
	if errors.As(err, &u) {
		u.command = c.CommandPath()
		return err
	}
	return &usageError{err: err, command: c.CommandPath()}
}

// remedyError is an error with what to do about it.
type remedyError struct {
	err    error
	remedy string
}

func (e *remedyError) Error() string { return e.err.Error() }
func (e *remedyError) Unwrap() error { return e.err }

func remedied(err error, format string, args ...any) error {
	return &remedyError{err, fmt.Sprintf(format, args...)}
}

// shellError is the end of a shell that did not end well.
type shellError struct{ code int }

func (e *shellError) Error() string { return fmt.Sprintf("the shell ended with code %d", e.code) }

// report tells an error and gives its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitOK
	}
	var s *shellError
	if errors.As(err, &s) {
		return s.code
	}
	a.tell("kmlctl: %s", clean(oneLine(err.Error())))
	var p *apitypes.Problem
	if errors.As(err, &p) {
		if len(p.Errors) != 1 || p.Errors[0].Remedy != p.Remedy { // one alone is told already
			for _, f := range p.Errors {
				a.tell("  %s", clean(f.Field+" "+f.Value+": "+f.Remedy))
			}
		}
		for _, s := range p.Slots {
			a.tell("  it fits from %s to %s (%d seats)", stamp(s.Start), stamp(s.End), s.Seats)
		}
		if p.Request != "" {
			a.tell("  request %s", p.Request)
		}
	}
	a.tell("  → %s", clean(oneLine(remedy(err))))
	return exitCode(err)
}

// tell writes a line to standard error. What cannot be told there cannot be told.
func (a *app) tell(format string, args ...any) { _, _ = fmt.Fprintf(a.Err, format+"\n", args...) }

// hint tells what -q leaves out.
func (a *app) hint(format string, args ...any) {
	if !a.flags.quiet {
		a.tell(format, args...)
	}
}

// oneLine joins an error of several lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func exitCode(err error) int {
	var u *usageError
	switch {
	case errors.As(err, &u), apiclient.IsInvalid(err):
		return exitUsage
	case apiclient.IsNotFound(err):
		return exitNotFound
	case apiclient.IsRefused(err):
		return exitRefused
	case apiclient.IsConflict(err):
		return exitConflict
	case errors.Is(err, apiclient.ErrUnreachable), errors.Is(err, apiclient.ErrNotKML):
		return exitUnreachable
	case errors.Is(err, context.DeadlineExceeded), apiclient.IsTimeout(err):
		return exitTimeout
	}
	return exitFailed
}

// remedy says what to do about an error.
func remedy(err error) string {
	var u *usageError
	var r *remedyError
	var p *apitypes.Problem
	switch {
	case errors.As(err, &r):
		return r.remedy
	case errors.As(err, &u) && u.command != "":
		return "see: " + u.command + " --help"
	case errors.As(err, &u):
		return "see: kmlctl --help"
	case errors.As(err, &p) && p.Remedy != "":
		return p.Remedy
	case errors.Is(err, apiclient.ErrUnreachable), errors.Is(err, apiclient.ErrNotKML):
		return "check the address (--server, KML_SERVER or the profile) and that the server runs; kmlctl doctor says more"
	case apiclient.IsRefused(err):
		return "look at the key with: kmlctl me"
	case errors.As(err, &p) && len(p.Errors) > 0:
		return "mend what is named above"
	case errors.Is(err, context.DeadlineExceeded):
		return "give it more time with --timeout, or look at the server with: kmlctl doctor"
	case errors.Is(err, context.Canceled):
		return "it was interrupted; what was asked for may have been done"
	}
	return "look at the server with: kmlctl doctor"
}
