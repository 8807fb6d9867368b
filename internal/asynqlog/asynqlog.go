// Package asynqlog gives asynq a zerolog logger.
package asynqlog

import (
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"
)

type logger struct{ log zerolog.Logger }

// New adapts log; asynq's Fatal is logged as an error, since ending a process is
// its owner's decision.
func New(log zerolog.Logger) asynq.Logger { return &logger{log.With().Str("part", "asynq").Logger()} }

func (l *logger) Debug(args ...any) { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l *logger) Info(args ...any)  { l.log.Info().Msg(fmt.Sprint(args...)) }
func (l *logger) Warn(args ...any)  { l.log.Warn().Msg(fmt.Sprint(args...)) }
func (l *logger) Error(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }
func (l *logger) Fatal(args ...any) { l.log.Error().Bool("fatal", true).Msg(fmt.Sprint(args...)) }
