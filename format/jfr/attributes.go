package jfr

import (
	"fmt"
	"strconv"
)

// attributes are those of a metadata element that matter to decoding.
type attributes struct {
	id, class       int64
	name            string
	value           string
	constant, array bool
	err             error
}

func (a *attributes) set(key, value string) {
	switch key {
	case "id":
		a.id = a.number(key, value)
	case "class":
		a.class = a.number(key, value)
	case "name":
		a.name = value
	case "constantPool":
		a.constant = value == "true"
	case "dimension":
		a.array = a.number(key, value) > 0
	case "value", "value-0":
		a.value = value
	}
}

func (a *attributes) number(key, value string) int64 {
	v, err := strconv.ParseInt(value, 10, 64)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("attribute %s=%q is not a number", key, value)
	}
	return v
}
