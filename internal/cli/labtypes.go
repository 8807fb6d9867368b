package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var labTypeColumns = []column[apitypes.LabType]{
	col("name", func(l apitypes.LabType) any { return l.Name }),
	col("title", func(l apitypes.LabType) any { return l.Title }),
	col("state", func(l apitypes.LabType) any { return onOff(l.Active) }),
	col("revision", func(l apitypes.LabType) any { return l.Revision }),
	col("regions", func(l apitypes.LabType) any { return l.Regions }),
	col("services", func(l apitypes.LabType) any { return l.Services }),
	col("at most", func(l apitypes.LabType) any { return l.MaxDuration }),
	wide("console", func(l apitypes.LabType) any { return l.Console }),
	wide("keys", func(l apitypes.LabType) any { return l.Keys }),
	wide("probe", func(l apitypes.LabType) any { return l.Probe }),
	wide("failures", func(l apitypes.LabType) any { return l.Failures }),
	wide("since", func(l apitypes.LabType) any { return l.Since }),
	wide("reason", func(l apitypes.LabType) any { return l.Reason }),
}

func onOff(on bool) state {
	if on {
		return "active"
	}
	return "off"
}

func (a *app) labTypes() *cobra.Command {
	g := a.group("labtypes", "Kinds of labs", a.labTypeList(), a.labTypeGet(), a.labTypeApply(), a.labTypeTest(),
		a.labTypeSwitch("activate", "Let labs of a type be requested", false, (*apiclient.Client).ActivateLabType),
		a.labTypeSwitch("deactivate", "Refuse new labs of a type", true, (*apiclient.Client).DeactivateLabType))
	g.Aliases = []string{"labtype"}
	return g
}

func (a *app) labTypeList() *cobra.Command {
	return a.command(spec{use: "list", short: "List lab types", call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		all, err := c.LabTypes(ctx)
		if err != nil {
			return err
		}
		return printList(a, labTypeColumns, all)
	}})
}

func (a *app) labTypeGet() *cobra.Command {
	return a.command(spec{use: "get NAME", short: "Show a lab type; -o yaml is its file", args: cobra.ExactArgs(1), complete: a.completeLabTypes,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			l, err := c.LabType(ctx, args[0])
			if err != nil {
				return err
			}
			if a.format.kind == "yaml" {
				return printOne(a, nil, l.LabTypeSpec) // what "apply -f" reads
			}
			return printOne(a, labTypeColumns, l)
		}})
}

func (a *app) labTypeSwitch(verb, short string, destructive bool, do func(*apiclient.Client, context.Context, string, string) (apitypes.LabType, error)) *cobra.Command {
	var reason string
	return a.command(spec{use: verb + " NAME", short: short, args: cobra.ExactArgs(1), complete: a.completeLabTypes, asks: destructive,
		flags: func(c *cobra.Command) { reasonFlag(c, &reason) },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if reason == "" {
				return need("reason")
			}
			if destructive {
				if err := a.confirmText(ctx, "lab type's name", args[0], "refuse every new lab of type %s", args[0]); err != nil {
					return err
				}
			}
			l, err := do(c, ctx, args[0], reason)
			if err != nil {
				return err
			}
			return printOne(a, labTypeColumns, l)
		}})
}

// labTypeFile is a lab type and where it was read.
type labTypeFile struct {
	file string
	spec apitypes.LabTypeSpec
}

// readLabTypes reads a file, the files *.yaml of a folder, or standard input (-).
func (a *app) readLabTypes(path string) ([]labTypeFile, error) {
	if path == "-" {
		raw, err := io.ReadAll(a.In)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		spec, err := decodeLabType("standard input", raw)
		return []labTypeFile{{"standard input", spec}}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &usageError{err: err, command: "kmlctl labtypes apply"}
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.y*ml")); err != nil || len(files) == 0 {
			return nil, usagef("%s holds no files *.yaml", path)
		}
	}
	var out []labTypeFile
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		spec, err := decodeLabType(file, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, labTypeFile{file, spec})
	}
	return out, nil
}

// decodeLabType reads a file of a lab type; a field that is not one is an error.
func decodeLabType(file string, raw []byte) (apitypes.LabTypeSpec, error) {
	var spec apitypes.LabTypeSpec
	err := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&spec)
	var y yaml.Error
	switch {
	case errors.As(err, &y) && y.GetToken() != nil:
		at := y.GetToken().Position
		return spec, usagef("%s:%d:%d: %s", file, at.Line, at.Column, y.GetMessage())
	case errors.Is(err, io.EOF):
		return spec, usagef("%s: the file is empty", file)
	case err != nil:
		return spec, usagef("%s: %w", file, err)
	}
	// A list that is left out is an empty one to the API, not null.
	spec.Regions = slices.Concat([]string{}, spec.Regions)
	spec.Services = slices.Concat([]string{}, spec.Services)
	spec.Statements = slices.Concat([]apitypes.Statement{}, spec.Statements)
	return spec, nil
}

func (a *app) labTypeApply() *cobra.Command {
	var path string
	var validate bool
	return a.command(spec{use: "apply -f FILE", short: "Make lab types, or replace them, from files", slow: true,
		example: "  kmlctl labtypes get ec2-basics -o yaml > ec2-basics.yaml\n  kmlctl labtypes apply -f ec2-basics.yaml --validate\n  kmlctl labtypes apply -f folder/",
		flags: func(c *cobra.Command) {
			c.Flags().StringVarP(&path, "filename", "f", "", "a file, a folder of files, or - for standard input")
			c.Flags().BoolVar(&validate, "validate", false, "check without applying")
			mustComplete(c, "filename", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveDefault // files
			})
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
			if path == "" {
				return need("filename")
			}
			files, err := a.readLabTypes(path)
			if err != nil {
				return err
			}
			if validate {
				return a.checkLabTypes(ctx, c, files)
			}
			var all []apitypes.LabType
			for _, f := range files {
				l, err := applyLabType(ctx, c, f.spec)
				if err != nil {
					return fmt.Errorf("%s: %w", f.file, err)
				}
				all = append(all, l)
			}
			return printList(a, labTypeColumns, all)
		}})
}

// applyLabType makes a lab type, or replaces the revision that stands now: of two
// who apply at once one is told so.
func applyLabType(ctx context.Context, c *apiclient.Client, spec apitypes.LabTypeSpec) (apitypes.LabType, error) {
	now, err := c.LabType(ctx, spec.Name)
	switch {
	case apiclient.IsNotFound(err):
		return c.MakeLabType(ctx, spec)
	case err != nil:
		return now, err
	}
	return c.ApplyLabType(ctx, now.Revision, spec)
}

// checkedLabType is what came of the validation of one file.
type checkedLabType struct {
	File string `json:"file"`
	Name string `json:"name"`
	apitypes.LabTypeCheck
}

var checkedColumns = []column[checkedLabType]{
	col("file", func(x checkedLabType) any { return x.File }),
	col("name", func(x checkedLabType) any { return x.Name }),
	col("valid", func(x checkedLabType) any { return x.Valid }),
	col("what is wrong", func(x checkedLabType) any {
		var all []string
		for _, e := range x.Errors {
			all = append(all, e.Field+" "+e.Value+": "+e.Remedy)
		}
		return strings.Join(append(all, x.Warnings...), "; ")
	}),
}

var errInvalidLabType = errors.New("not every lab type is valid")

func (a *app) checkLabTypes(ctx context.Context, c *apiclient.Client, files []labTypeFile) error {
	var all []checkedLabType
	valid := true
	for _, f := range files {
		check, err := c.CheckLabType(ctx, f.spec)
		if err != nil {
			return fmt.Errorf("%s: %w", f.file, err)
		}
		valid = valid && check.Valid
		all = append(all, checkedLabType{f.file, f.spec.Name, check})
	}
	if err := printList(a, checkedColumns, all); err != nil {
		return err
	}
	if !valid {
		return remedied(errInvalidLabType, "mend what is named, and validate again")
	}
	return nil
}

var matchColumns = []column[apitypes.MatchedBy]{
	col("policy", func(m apitypes.MatchedBy) any { return m.Policy }),
	col("sid", func(m apitypes.MatchedBy) any { return m.Sid }),
	col("effect", func(m apitypes.MatchedBy) any { return m.Effect }),
	wide("statement", func(m apitypes.MatchedBy) any { return m.Text }),
}

var answerColumns = []column[apitypes.AccessAnswer]{
	col("decision", func(x apitypes.AccessAnswer) any { return state(x.Decision) }),
	col("boundary", func(x apitypes.AccessAnswer) any {
		if x.Boundary == nil {
			return ""
		}
		return *x.Boundary
	}),
	col("not given", func(x apitypes.AccessAnswer) any { return x.Missing }),
}

func (a *app) labTypeTest() *cobra.Command {
	var given []string
	return a.command(spec{use: "test NAME ACTION [RESOURCE]", short: "Ask whether a lab type allows a call, and by which statement", args: cobra.RangeArgs(2, 3),
		complete: a.completeLabTypes, example: "  kmlctl labtypes test ec2-basics ec2:RunInstances '*' --context aws:RequestedRegion=us-east-1\n" +
			"  kmlctl labtypes test s3-website s3:PutObject arn:aws:s3:::any-bucket/any-key   # without RESOURCE: *, which a policy for ARNs does not match",
		flags: func(c *cobra.Command) {
			c.Flags().StringArrayVar(&given, "context", nil, "a condition key, as key=value[,value…]; may be repeated")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			q := apitypes.AccessQuestion{Action: args[1]}
			if len(args) > 2 {
				q.Resource = args[2]
			}
			for _, pair := range given {
				key, value, ok := strings.Cut(pair, "=")
				if !ok {
					return usagef("--context %q: give key=value", pair)
				}
				if q.Context == nil {
					q.Context = map[string][]string{}
				}
				q.Context[key] = strings.Split(value, ",")
			}
			answer, err := c.TestLabType(ctx, args[0], q)
			if err != nil {
				return err
			}
			if err := printOne(a, answerColumns, answer); err != nil {
				return err
			}
			if k := a.format.kind; k == "table" || k == "wide" {
				return printList(a, matchColumns, answer.Statements)
			}
			return nil
		}})
}
