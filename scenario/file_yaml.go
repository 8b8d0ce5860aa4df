package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. The YAML parser takes time in the square of the keys
// of a mapping and stack in the depth of nesting, and aliases can multiply
// what stands in a file: each is bounded before it can hurt.
const (
	maxFileSize = 1 << 20
	maxTokens   = 30_000
	maxNesting  = 32
	maxVisited  = 60_000
)

// parse turns the bytes into the root of a YAML tree, nil after a fault.
func (f *file) parse(data []byte) ast.Node {
	if len(data) > maxFileSize {
		f.faultAt(position{1, 1}, "the file has %s bytes, more than 1MiB; split it", group(len(data)))
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	f.lines = strings.Split(string(data), "\n")
	if !f.isText() {
		return nil
	}
	tree, err := f.tree(string(data))
	if err != nil {
		f.syntax(err)
		return nil
	}
	if tree == nil {
		return nil
	}
	return f.document(tree)
}

// isText refuses what is not text, which the YAML parser would let through.
func (f *file) isText() bool {
	for i, line := range f.lines {
		if !utf8.ValidString(line) {
			f.faultAt(position{i + 1, 1}, "the line is not UTF-8 text")
			return false
		}
		if at := strings.IndexFunc(line, unprintable); at >= 0 {
			r, _ := utf8.DecodeRuneInString(line[at:])
			f.faultAt(position{i + 1, 1 + utf8.RuneCountInString(line[:at])}, "control character %U is not text; remove it", r)
			return false
		}
	}
	return true
}

// tree parses the text, nil after a fault that was reported.
func (f *file) tree(text string) (tree *ast.File, err error) {
	// The parser is not ours and has panicked on odd input before. A file of
	// the user must not be able to end the program.
	defer func() {
		if p := recover(); p != nil {
			tree, err = nil, fmt.Errorf("the file cannot be read as YAML: %v", p)
		}
	}()
	tokens := lexer.Tokenize(text)
	if !f.bounded(tokens) {
		return nil, nil
	}
	// Duplicate keys are found later, all of them and not only the first.
	tree, err = parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	f.aliases = map[*ast.AliasNode]ast.Node{}
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			ast.Walk(&anchors{byName: map[string]ast.Node{}, aliases: f.aliases}, doc.Body)
		}
	}
	return tree, nil
}

// bounded refuses what would be too much for the parser, by its tokens.
func (f *file) bounded(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		f.faultAt(placeOfToken(tokens[maxTokens]), "the file has more than %s words and marks; split it", group(maxTokens))
		return false
	}
	// Brackets nest, and so do marks that stand before a value on one line:
	// "- - - 1". Deeper indentation needs a longer line each time, and the
	// size of the file bounds that.
	brackets, marks, line := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			if t.Position.Line != line {
				line, marks = t.Position.Line, 0
			}
			if brackets == 0 {
				marks++
			}
		}
		if brackets > maxNesting || marks > maxNesting {
			f.faultAt(placeOfToken(t), "values are nested more than %d deep", maxNesting)
			return false
		}
	}
	return true
}

// syntax tells an error of the parser at its place.
func (f *file) syntax(err error) {
	var placed yaml.Error
	if !errors.As(err, &placed) {
		f.faultAt(position{1, 1}, "%s", err)
		return
	}
	message := strings.ReplaceAll(placed.GetMessage(), "\t", `\t`)
	if strings.Contains(message, `\t`) {
		message += "; indent with spaces"
	}
	f.faultAt(placeOfToken(placed.GetToken()), "not YAML: %s", message)
}

// document is the root of the only document in the tree.
func (f *file) document(tree *ast.File) ast.Node {
	var root ast.Node
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			f.fault(doc.Body, "a second document begins here; a scenario file has one")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		f.faultAt(position{1, 1}, "the file is empty; write version: %d and scenarios:", fileVersion)
	}
	return root
}

// anchors is a visitor that finds out what each alias stands for. It walks in
// the order of the file, so that an alias means the last anchor before it.
type anchors struct {
	byName  map[string]ast.Node
	aliases map[*ast.AliasNode]ast.Node
}

// Visit implements [ast.Visitor].
func (a *anchors) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.AnchorNode:
		a.byName[nameOf(n.Name)] = n.Value
	case *ast.AliasNode:
		a.aliases[n] = a.byName[nameOf(n.Value)]
		return nil
	}
	return a
}

// nameOf is the text of the name of an anchor or alias.
func nameOf(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}
