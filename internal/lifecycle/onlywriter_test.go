package lifecycle_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mayWriteAccounts are the packages that may call Swap of an account store: the
// one writer, and the suite that tests the stores.
var mayWriteAccounts = []string{"internal/lifecycle", "internal/storetest"}

func TestOnlyLifecycleWritesState(t *testing.T) {
	t.Parallel()
	root, checked := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		for _, p := range mayWriteAccounts {
			if filepath.ToSlash(rel) == p {
				return nil
			}
		}
		files, err := parseDir(path)
		if err != nil {
			return err
		}
		checked += len(files)
		for _, where := range accountSwaps(files) {
			t.Errorf("%s: only package lifecycle may swap an account; use Machine.Move or Machine.Edit", where)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Errorf("only %d files were looked at", checked)
	}
}

// source is a parsed file with its positions.
type source struct {
	fset *token.FileSet
	file *ast.File
}

func parseDir(dir string) ([]source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var out []source
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		out = append(out, source{fset, f})
	}
	return out, nil
}

// accountSwaps finds uses of the Swap method of a fleet.Accounts in a package:
// of struct fields, parameters and variables declared as one, of variables
// assigned from a call of Accounts(), and of such calls themselves. It goes by
// names, since a type check of the whole repository would take minutes; a field
// name counts in the whole package, another name in its function.
func accountSwaps(files []source) (found []string) {
	fields := map[string]bool{"Accounts": true} // embedded
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if st, ok := n.(*ast.StructType); ok {
				declared(st.Fields, fields)
			}
			return true
		})
	}
	for _, s := range files {
		for _, decl := range s.file.Decls {
			names := localNames(decl)
			ast.Inspect(decl, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if ok && sel.Sel.Name == "Swap" && isAccounts(sel.X, fields, names) {
					found = append(found, s.fset.Position(sel.Pos()).String())
				}
				return true
			})
		}
	}
	return found
}

func isAccounts(x ast.Expr, fields, names map[string]bool) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return names[x.Name]
	case *ast.SelectorExpr:
		return fields[x.Sel.Name]
	case *ast.ParenExpr:
		return isAccounts(x.X, fields, names)
	}
	return isAccountsCall(x)
}

func isAccountsCall(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Accounts"
}

func isAccountsType(x ast.Expr) bool {
	sel, ok := x.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Accounts" {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "fleet"
}

func declared(list *ast.FieldList, into map[string]bool) {
	for _, f := range list.List {
		if isAccountsType(f.Type) {
			for _, n := range f.Names {
				into[n.Name] = true
			}
		}
	}
}

// localNames is the names inside a declaration that stand for account stores.
func localNames(decl ast.Decl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType:
			declared(n.Params, names)
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if n.Type != nil && isAccountsType(n.Type) || i < len(n.Values) && isAccountsCall(n.Values[i]) {
					names[name.Name] = true
				}
			}
		case *ast.AssignStmt:
			for i, lhs := range n.Lhs {
				name, ok := lhs.(*ast.Ident)
				if ok && i < len(n.Rhs) && isAccountsCall(n.Rhs[i]) {
					names[name.Name] = true
				}
			}
		}
		return true
	})
	return names
}

// TestSwapsAreFound holds the search itself to account.
func TestSwapsAreFound(t *testing.T) {
	t.Parallel()
	const src = `package x
type svc struct { accts fleet.Accounts; sessions fleet.Sessions }
type embeds struct { fleet.Accounts }
func (s *svc) a() { s.accts.Swap(ctx, a, b) }    // found
func (s *svc) b() { s.sessions.Swap(ctx, a, b) }
func c(p fleet.Accounts) { p.Swap(ctx, a, b) }   // found
func d(p fleet.Sessions) { p.Swap(ctx, a, b) }
func e(db *DB) { db.Accounts().Swap(ctx, a, b) } // found
func f(db *DB) { v := db.Accounts(); w := v.Swap; _ = w } // found
func g(e embeds) { e.Accounts.Swap(ctx, a, b) }  // found
func h(db *DB) { var v fleet.Accounts = db; (v).Swap(ctx, a, b) } // found
func i(n *atomic.Int64) { n.Swap(1) }
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, line := range strings.Split(src, "\n") {
		if strings.HasSuffix(line, "// found") {
			want = append(want, fmt.Sprint("x.go:", i+1))
		}
	}
	got := accountSwaps([]source{{fset, f}})
	for i := range got {
		got[i] = got[i][:strings.LastIndex(got[i], ":")]
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("found %v, want %v", got, want)
	}
}
