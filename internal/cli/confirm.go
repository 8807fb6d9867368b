package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

var errNotConfirmed = errors.New("not confirmed: nothing was done")

// confirm asks before what cannot be undone: what says what that is, naming what
// it is done to, whose id must be typed. Without somebody to ask it needs --yes.
func (a *app) confirm(ctx context.Context, noun, id string, what func() (string, error)) error {
	if a.flags.yes {
		return nil
	}
	if !a.Asks || a.flags.keyStdin {
		return remedied(usagef("this cannot be undone, and there is no terminal to confirm it on"), "give --yes")
	}
	question, err := what()
	if err != nil {
		return err
	}
	answer, err := a.ask(ctx, fmt.Sprintf("%s? type the %s to go on: ", question, noun))
	if err != nil {
		return err
	}
	if answer != id {
		return remedied(errNotConfirmed, "type %s to confirm, or give --yes", id)
	}
	return nil
}

// confirmText is confirm of a question that needs no look at the server.
func (a *app) confirmText(ctx context.Context, noun, id, format string, args ...any) error {
	return a.confirm(ctx, noun, id, func() (string, error) { return fmt.Sprintf(format, args...), nil })
}

// ask reads a line from whoever sits at the terminal.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	if _, err := fmt.Fprint(a.Err, question); err != nil {
		return "", err
	}
	type line struct {
		text string
		err  error
	}
	// A read from a terminal cannot be called back: after an interrupt it is left
	// to end with the process, which is about to.
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(a.In).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("%w (%w)", errNotConfirmed, ctx.Err())
	case l := <-read:
		if text := strings.TrimSpace(l.text); text != "" || l.err == nil {
			return text, nil
		}
		return "", remedied(errNotConfirmed, "answer the question, or give --yes")
	}
}
