package scenario

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	at    position
	value ast.Node
}

// visit counts one more value. False means that there were too many: then one
// fault says so and nothing is read any more.
func (f *file) visit(n ast.Node) bool {
	f.visited++
	if f.visited == maxVisited {
		f.fault(n, "the aliases of the file stand for more than %s values, or for themselves", group(maxVisited))
	}
	return f.visited < maxVisited
}

// resolve follows aliases and anchors to the value that they stand for, nil
// after a fault.
func (f *file) resolve(n ast.Node) ast.Node {
	for f.visit(n) {
		var next ast.Node
		switch node := n.(type) {
		case *ast.AliasNode:
			if next = f.aliases[node]; next == nil {
				f.fault(n, "alias %q has no anchor before it", nameOf(node.Value))
				return nil
			}
		case *ast.AnchorNode:
			if next = node.Value; next == nil {
				f.fault(n, "the anchor has no value")
				return nil
			}
		default:
			return n
		}
		n = next
	}
	return nil
}

// entries are the keys of a mapping, in their order, with what it merges from
// others behind them. The example says what a mapping would look like here.
func (f *file) entries(n ast.Node, example string) ([]entry, bool) {
	value := f.resolve(n)
	if value == nil {
		return nil, false
	}
	var pairs []*ast.MappingValueNode
	switch m := value.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		f.fault(n, "expected a mapping such as %s, found %s", example, describe(value))
		return nil, false
	}
	var own []entry
	var merged []ast.Node
	first := map[string]int{}
	for _, pair := range pairs {
		if !f.visit(pair) {
			return nil, false
		}
		e := entry{key: keyOf(pair.Key), at: placeOf(pair.Key), value: pair.Value}
		if line, twice := first[e.key]; twice {
			f.faultAt(e.at, "key %q stands here twice, first on line %d; remove one", e.key, line)
		} else {
			first[e.key] = e.at.line
		}
		if pair.Key.IsMergeKey() {
			merged = append(merged, pair.Value)
		} else {
			own = append(own, e)
		}
	}
	for _, m := range merged {
		for _, e := range f.merged(m, example) {
			if _, has := first[e.key]; !has {
				first[e.key] = e.at.line
				own = append(own, e)
			}
		}
	}
	return own, true
}

// merged are the entries of what stands behind "<<:": a mapping or a list of
// them, the earlier of which win.
func (f *file) merged(n ast.Node, example string) []entry {
	value := f.resolve(n)
	if value == nil {
		return nil
	}
	f.merging++
	defer func() { f.merging-- }()
	if f.merging > maxNesting {
		f.fault(n, "merged mappings are nested more than %d deep", maxNesting)
		return nil
	}
	list, ok := value.(*ast.SequenceNode)
	if !ok {
		entries, _ := f.entries(n, example)
		return entries
	}
	var all []entry
	for _, item := range list.Values {
		entries, _ := f.entries(item, example)
		all = append(all, entries...)
	}
	return all
}

// items are the values of a list.
func (f *file) items(n ast.Node, example string) ([]ast.Node, bool) {
	value := f.resolve(n)
	if value == nil {
		return nil, false
	}
	list, ok := value.(*ast.SequenceNode)
	if !ok {
		f.fault(n, "expected a list such as %s, found %s", example, describe(value))
		return nil, false
	}
	return list.Values, true
}

// keyOf is the text of a key.
func keyOf(n ast.Node) string {
	switch k := n.(type) {
	case *ast.StringNode:
		return k.Value
	case *ast.MappingKeyNode:
		if k.Value != nil {
			return keyOf(k.Value)
		}
	case *ast.AnchorNode:
		if k.Value != nil {
			return keyOf(k.Value)
		}
	}
	return nameOf(n)
}

// describe says what a value is, for messages.
func describe(n ast.Node) string {
	switch v := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return fmt.Sprintf("the truth value %t", v.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + nameOf(n)
	case *ast.StringNode:
		return "the text " + quoted(v.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.TagNode:
		return "the tag " + quoted(nameOf(n)) + ", which has no meaning here"
	default:
		return "something else"
	}
}
