package config

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/kodekloud/kml/internal/fleet"
)

// Problem is one thing wrong with the configuration, told in one line. It
// matches fleet.ErrInvalid.
type Problem struct {
	Where  string // "kml.yaml:3:5", or "" for a variable or a check of the whole
	Key    string // as it was written: the key in the file, or the variable
	Value  string // masked if it is secret
	Remedy string
}

func (p *Problem) Error() string {
	text := p.Key
	if p.Where != "" {
		text = p.Where + ": " + text
	}
	if p.Value != "" {
		text += fmt.Sprintf(" %q", p.Value)
	}
	return text + ": " + p.Remedy
}

// Is makes a Problem match fleet.ErrInvalid.
func (p *Problem) Is(target error) bool { return target == fleet.ErrInvalid }

// shown is a raw value as it may be told.
func (f *Field) shown(value string) string {
	if f.Secret {
		return mask
	}
	return value
}

// remedy says how to write a value that could not be parsed. Parsers of others
// repeat the value in their errors, so only our own are quoted.
func (f *Field) remedy(c *Config, err error) string {
	var p env.ParseError
	switch v := f.in(c).Interface().(type) {
	case time.Duration:
		return "write a duration such as 90s, 10m or 2h"
	case int:
		return "write a whole number"
	case bool:
		return "write true or false"
	case Keys:
		if errors.As(err, &p) {
			return p.Err.Error()
		}
		return errKeys.Error()
	case Prefixes:
		return errPrefixes.Error()
	default:
		return "write a value of type " + reflect.TypeOf(v).String()
	}
}
