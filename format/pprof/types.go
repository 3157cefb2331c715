package pprof

import (
	"math"

	"tacho"
)

// cpuUnits are the units of time CPU profiles come in, in nanoseconds. The
// store has cpu in nanoseconds, whoever sends it.
var cpuUnits = map[string]int64{
	"nanoseconds": 1, "ns": 1, "microseconds": 1e3, "us": 1e3, "milliseconds": 1e6, "ms": 1e6, "seconds": 1e9, "s": 1e9,
}

// typeOf is what a sample type becomes; see the package comment.
func typeOf(name, unit string) valueType {
	v := valueType{tacho.ValueType{Name: name, Unit: unit}, 1}
	if name == "" {
		v.Name = "value"
	}
	if unit == "" {
		v.Unit = "count"
	}
	if f := cpuUnits[unit]; name == tacho.CPU.Name && f != 0 {
		v.Unit, v.factor = tacho.CPU.Unit, f
	}
	return v
}

func (d *decoder) addType(s span) error {
	var v [16]uint64
	if err := flat(d.data, s, &v, 2); err != nil {
		return err
	}
	typ, unit := v[1], v[2]
	t, err := d.index(typ, int(s.at))
	if err != nil {
		return err
	}
	u, err := d.index(unit, int(s.at))
	if err != nil {
		return err
	}
	if len(d.types) >= maxTypes {
		return d.limit("sample types", maxTypes, int(s.at))
	}
	d.types = append(d.types, typeOf(d.text[t], d.text[u]))
	return nil
}

// maxTypes is how many values a sample may have. Five are the most seen.
const maxTypes = 64

// nameTypes tells apart types of one name.
func nameTypes(types []valueType) {
	for i := range types {
		for k := range i {
			if types[i].Name == types[k].Name {
				types[i].Name += "_" + types[i].Unit
				break
			}
		}
	}
}

// scaled is a value in the unit of its type.
func (t *valueType) scaled(v int64) (int64, bool) {
	if v < 0 || v > math.MaxInt64/t.factor {
		return 0, false
	}
	return v * t.factor, true
}
