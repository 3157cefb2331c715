package demo

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tacho"
)

//go:embed stacks.txt
var stacksText string

var kinds = map[string]tacho.FrameKind{
	"interpreted": tacho.KindInterpreted, "jit": tacho.KindJIT, "native": tacho.KindNative,
	"compiler": tacho.KindCompiler, "gc": tacho.KindGC, "vm": tacho.KindVM, "unsampled": tacho.KindUnsampled,
}

// parseStacks reads stacks.txt: key → stack, leaf first.
func parseStacks(text string) (map[string]tacho.Stack, error) {
	stacks := map[string]tacho.Stack{}
	var path tacho.Stack // root first
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		call := strings.TrimLeft(line, " ")
		depth := len(line) - len(call)
		if depth > len(path) {
			return nil, fmt.Errorf("stacks.txt line %d is more than one deeper than the line above", i+1)
		}
		call, keys, _ := strings.Cut(call, " = ")
		f, err := parseFrame(call)
		if err != nil {
			return nil, fmt.Errorf("stacks.txt line %d: %w", i+1, err)
		}
		path = append(path[:depth], f)
		for _, key := range strings.Fields(keys) {
			if stacks[key] != nil {
				return nil, fmt.Errorf("stacks.txt line %d: %s is there twice", i+1, key)
			}
			stack := slices.Clone(path)
			slices.Reverse(stack)
			stacks[key] = stack
		}
	}
	return stacks, nil
}

// parseFrame reads FUNCTION[:LINE] [KIND]. Names of runtime threads hold
// spaces, hence the brackets.
func parseFrame(s string) (tacho.Frame, error) {
	name, kind := s, "jit"
	if i := strings.LastIndexByte(s, ' '); i > strings.LastIndexByte(s, ']') {
		name, kind = s[:i], s[i+1:]
	}
	k, ok := kinds[kind]
	if !ok {
		return tacho.Frame{}, fmt.Errorf("unknown kind %q", kind)
	}
	f := tacho.Frame{Function: name, Kind: k}
	if function, line, ok := strings.Cut(name, ":"); ok {
		n, err := strconv.ParseInt(line, 10, 32)
		if err != nil {
			return tacho.Frame{}, fmt.Errorf("line number: %w", err)
		}
		f.Function, f.Line = function, int32(n)
	}
	f.File, f.Module = sourceOf(f.Function)
	return f, nil
}

// sourceOf is what a recording of the JVM says of a function.
func sourceOf(function string) (file, module string) {
	end := strings.LastIndexByte(strings.TrimSuffix(function, ".<init>"), '.')
	if strings.HasSuffix(function, ".<init>") {
		end = len(function) - len(".<init>")
	}
	if end < 0 || strings.HasPrefix(function, "[") {
		return "", ""
	}
	class := function[:end]
	file = class[strings.LastIndexByte(class, '.')+1:]
	file, _, _ = strings.Cut(file, "$")
	switch {
	case strings.HasPrefix(class, "org.example."):
	case strings.Contains(class, "sun.net.httpserver."):
		module = "jdk.httpserver"
	default:
		module = "java.base"
	}
	return file + ".java", module
}
