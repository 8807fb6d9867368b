// Package labtype reads lab types from YAML files, ships a few of its own, and
// keeps the catalog of those in force: files, and what was applied over them.
//
// Invariants:
//   - What it returns can be handed out: policies and boundary were rendered and
//     fit into what IAM takes, whatever the account and the names in it.
//   - An unknown or repeated key is an error; nothing in a file is ignored.
//   - Errors are *[Error], one for each fault, joined; each names file, line,
//     column, field and what to do.
package labtype

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

// Error is a fault in a lab type file. It matches fleet.ErrInvalid.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the fault is in no place of the file
	Field        string
	Reason       string // what is wrong, or what to do
	Err          error  // the cause, if there is another
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if e.Field == "" {
		return at + ": " + e.Reason
	}
	return at + ": " + e.Field + ": " + e.Reason
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes an Error match fleet.ErrInvalid.
func (e *Error) Is(target error) bool { return target == fleet.ErrInvalid }

// Parse reads one lab type; file is its name in errors.
func Parse(file string, data []byte) (fleet.LabType, error) {
	d, err := parse(file, data)
	if err != nil {
		return fleet.LabType{}, err
	}
	lt, err := d.decode()
	if err != nil {
		return fleet.LabType{}, err
	}
	var faults []error
	for _, f := range Check(lt) {
		faults = append(faults, d.fault(f))
	}
	if len(faults) > 0 {
		return fleet.LabType{}, errors.Join(faults...)
	}
	return lt, nil
}

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin gives the lab types that come with KML, by name.
func Builtin() (map[string]fleet.LabType, error) {
	return load(builtin, "builtin", "builtin")
}

// LoadDir reads all *.yaml and *.yml files of a folder; its subfolders are not
// looked at. A folder without lab types is an error.
func LoadDir(dir string) (map[string]fleet.LabType, error) {
	return load(os.DirFS(dir), ".", dir)
}

func load(files fs.FS, dir, shown string) (map[string]fleet.LabType, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("lab types: %w", err)
	}
	types, from := map[string]fleet.LabType{}, map[string]string{}
	var faults []error
	for _, entry := range entries {
		if ext := path.Ext(entry.Name()); entry.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		file := strings.TrimSuffix(shown, "/") + "/" + entry.Name()
		data, err := fs.ReadFile(files, path.Join(dir, entry.Name()))
		if err != nil {
			faults = append(faults, &Error{File: file, Reason: "cannot be read", Err: err})
			continue
		}
		lt, err := Parse(file, data)
		switch {
		case err != nil:
			faults = append(faults, err)
		case from[lt.Name] != "":
			faults = append(faults, &Error{File: file, Field: "name", Reason: fmt.Sprintf("%q is taken by %s", lt.Name, from[lt.Name])})
		default:
			types[lt.Name], from[lt.Name] = lt, file
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(types) == 0 {
		return nil, &Error{File: shown, Reason: "no lab type (*.yaml) in this folder", Err: fs.ErrNotExist}
	}
	return types, nil
}
