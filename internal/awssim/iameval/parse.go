package iameval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// object is a JSON object with its members in order. encoding/json would take
// the last of two equal keys and ignore case, where IAM refuses both.
type object []member

type member struct {
	key   string
	value any // string, object or []any; numbers and booleans as their text
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// maxDepth is more than any policy needs; deeper input is refused before it can
// exhaust the stack.
const maxDepth = 16

// decodeObject reads a document that must be one JSON object and nothing else.
func decodeObject(doc string) (object, error) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	value, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the document")
	}
	root, ok := value.(object)
	if !ok {
		return nil, errors.New("the document is not an object")
	}
	return root, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return decodeMembers(d, depth)
		}
		return decodeElements(d, depth)
	case string:
		// The control characters are wildcards of compiled patterns.
		if strings.ContainsAny(t, "\x01\x02") {
			return nil, errors.New("control character in a string")
		}
		return t, nil
	case json.Number:
		return t.String(), nil
	case bool:
		return fmt.Sprint(t), nil
	}
	return nil, errors.New("null is not a value")
}

func decodeMembers(d *json.Decoder, depth int) (any, error) {
	members := object{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, twice := members.get(key); twice {
			return nil, fmt.Errorf("%q stands twice", key)
		}
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{key, value})
	}
	_, err := d.Token()
	return members, err
}

func decodeElements(d *json.Decoder, depth int) (any, error) {
	elements := []any{}
	for d.More() {
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, value)
	}
	_, err := d.Token()
	return elements, err
}

// stringList reads a string or an array of strings.
func stringList(value any) ([]string, bool) {
	switch v := value.(type) {
	case string:
		return []string{v}, true
	case []any:
		list := make([]string, len(v))
		for i, element := range v {
			s, ok := element.(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}
