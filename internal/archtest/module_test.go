package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/kodekloud/kml"

// root is the repository, seen from this package.
const root = "../.."

// goFile is a Go file, read as far as its imports.
type goFile struct {
	path    string // from the root, with slashes
	pkg     string // the name in its package clause
	doc     string
	imports []string
	lines   int
	test    bool
}

// scratch are folders and files that git ignores.
func scratch(d fs.DirEntry) bool {
	switch n := d.Name(); {
	case n == ".git", n == ".kml", d.IsDir() && (n == "bin" || n == "node_modules" || n == "dist"), n == "cover.out":
		return true
	default:
		return strings.HasSuffix(n, ".db")
	}
}

// files lists the repository's files from the root, with slashes.
func files(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p != root && scratch(d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var parseOnce = sync.OnceValues(func() (map[string][]goFile, error) {
	out := map[string][]goFile{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != root && (scratch(d) || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(p) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f, err := parse(p, filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		out[path.Dir(f.path)] = append(out[path.Dir(f.path)], f)
		return nil
	})
	return out, err
})

// packages gives the Go files of the module by folder, tests among them.
func packages(t *testing.T) map[string][]goFile {
	t.Helper()
	out, err := parseOnce()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parse(file, rel string) (goFile, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return goFile{}, err
	}
	tree, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return goFile{}, err
	}
	f := goFile{path: rel, pkg: tree.Name.Name, doc: tree.Doc.Text(), lines: bytes.Count(src, []byte("\n")),
		test: strings.HasSuffix(rel, "_test.go")}
	for _, i := range tree.Imports {
		f.imports = append(f.imports, importPath(i))
	}
	return f, nil
}

func importPath(i *ast.ImportSpec) string {
	p, err := strconv.Unquote(i.Path.Value)
	if err != nil {
		panic(err) // the parser has read it
	}
	return p
}
