package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	yaml "go.yaml.in/yaml/v3"
)

// readEntries reads a key of the configuration file that is a list and no flag.
// An error says on which line the entry begins. Without a file there are none.
func readEntries[T any](path, key string, read func(*yaml.Node) (T, error)) ([]T, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	// Other keys are flags, and of any kind.
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("configuration %s: %s: %w", path, key, err)
	}
	var nodes []yaml.Node
	if list, ok := file[key]; ok {
		if err := list.Decode(&nodes); err != nil {
			return nil, fmt.Errorf("configuration %s: %s: %w", path, key, err)
		}
	}
	var out []T
	for i := range nodes {
		x, err := read(&nodes[i])
		if err != nil {
			return nil, fmt.Errorf("configuration %s: line %d: %w", path, nodes[i].Line, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// decodeEntry fills x, and refuses keys it does not have: they are spelling
// mistakes. Only a yaml.Decoder does that.
func decodeEntry(n *yaml.Node, x any) error {
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(x); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
