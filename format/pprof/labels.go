package pprof

import (
	"encoding/binary"
	"strconv"
	"strings"

	"tacho"
	"tacho/format"
)

// labels finds what the labels of samples mean. Samples of equal labels have
// them in equal bytes, so that each spelling is read once.
type labels struct {
	key   []byte // label fields of the sample being read
	byKey map[string]uint32
	seen  []who           // by row.labels; the first is of samples without labels
	sets  [][]tacho.Label // by who.set; the first is empty
	bySet map[string]uint32
}

// who is whose sample it is.
type who struct {
	set    uint32
	thread tacho.Thread
	span   uint64
}

// timed says that the store must keep the sample itself, not only sums.
func (w *who) timed() bool { return w.span != 0 || w.thread.Name != "" || w.thread.ID != 0 }

func (x *labels) begin(d *decoder) {
	x.byKey, x.bySet = map[string]uint32{}, map[string]uint32{}
	x.seen, x.sets = []who{{}}, [][]tacho.Label{nil}
}

// forget is called when no row refers to what was seen any more.
func (x *labels) forget() {
	clear(x.byKey)
	x.seen = x.seen[:1]
}

func (x *labels) find(d *decoder, at int) (uint32, error) {
	if i, ok := x.byKey[string(x.key)]; ok {
		return i, nil
	}
	w, err := x.read(d, at)
	if err != nil {
		return 0, err
	}
	i := uint32(len(x.seen))
	x.seen = append(x.seen, w)
	x.byKey[string(x.key)] = i
	return i, nil
}

// read takes the label fields of a sample apart.
func (x *labels) read(d *decoder, at int) (w who, err error) {
	var set []tacho.Label
	n := 0
	for i := 0; i < len(x.key); {
		f, to, err := next(x.key, i, len(x.key))
		if err != nil {
			return w, err
		}
		if n++; n > d.e.Limits.Labels {
			return w, d.limit(format.LimitLabels, d.e.Limits.Labels, at)
		}
		var v [16]uint64
		if err := flat(x.key, f.span, &v, 4); err != nil {
			return w, bad(at, "label: %v", err)
		}
		key, str, num, unit := v[1], v[2], v[3], v[4]
		i = to
		for _, v := range [...]uint64{key, str, unit} {
			if _, err := d.index(v, at); err != nil {
				return w, err
			}
		}
		switch name := d.text[key]; {
		case name == "":
			d.e.Warn.Once("", "labels without a name are left out")
		case str != 0:
			if !w.text(d, name, d.text[str]) {
				set = add(set, name, d.text[str])
			}
		case num != 0 || unit != 0:
			if !w.number(d, name, int64(num)) {
				set = add(set, tacho.NumericLabel(name, d.text[unit]), strconv.FormatInt(int64(num), 10))
			}
		}
	}
	w.set, err = x.set(d, set, at)
	return w, err
}

// add adds a label; a second value of a name goes by NAME#2.
func add(set []tacho.Label, name, value string) []tacho.Label {
	n := 1
	for try := name; ; try = name + "#" + strconv.Itoa(n) {
		taken := false
		for _, l := range set {
			taken = taken || l.Name == try
		}
		if !taken {
			return append(set, tacho.Label{Name: try, Value: value})
		}
		n++
	}
}

// set finds or makes a label set. The order of labels in a sample is of no
// importance.
func (x *labels) set(d *decoder, set []tacho.Label, at int) (uint32, error) {
	if len(set) == 0 {
		return 0, nil
	}
	ls := format.Join(nil, set)
	var key []byte
	for _, l := range ls {
		for _, s := range [...]string{l.Name, l.Value} {
			key = append(binary.AppendUvarint(key, uint64(len(s))), s...)
		}
	}
	if i, ok := x.bySet[string(key)]; ok {
		return i, nil
	}
	if len(x.sets) > d.e.Limits.Series {
		return 0, d.limit(format.LimitSeries, d.e.Limits.Series, at)
	}
	x.sets = append(x.sets, ls)
	x.bySet[string(key)] = uint32(len(x.sets) - 1)
	return uint32(len(x.sets) - 1), nil
}

// text takes a label of text that says which thread or span it was.
func (w *who) text(d *decoder, name, value string) bool {
	switch name {
	case "thread", "thread_name", "thread name":
		if w.thread.Name != "" {
			return false
		}
		if w.thread.Name = value; w.thread.Group == "" {
			w.thread.Group = format.ThreadGroup(value)
		}
		return true
	case tacho.LabelThreadGroup: // of our own exports; the store makes the label of the thread's group
		w.thread.Group = value
		return true
	case "thread_id", "tid", "thread id":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id <= 0 || w.thread.ID != 0 {
			return false
		}
		w.thread.ID = id
		return true
	case "span_id", "span id", "profile_id":
		id, err := strconv.ParseUint(value, 16, 64)
		if err != nil || len(value) != 16 || id == 0 || w.span != 0 && w.span != id {
			return false
		}
		w.span = id
		return true
	}
	return leftOut(d, name)
}

// number takes a numeric label that says which thread or span it was.
func (w *who) number(d *decoder, name string, v int64) bool {
	switch name {
	case "thread_id", "tid", "thread id":
		if v <= 0 || w.thread.ID != 0 {
			return false
		}
		w.thread.ID = v
		return true
	case "span_id", "span id":
		if v == 0 || w.span != 0 {
			return false
		}
		w.span = uint64(v)
		return true
	case "bytes":
		return isHeap(d.types) // space over objects
	}
	return leftOut(d, name)
}

// isHeap says that samples have both how much and how many.
func isHeap(types []valueType) bool {
	space, objects := false, false
	for _, t := range types {
		space = space || strings.HasSuffix(t.Name, "_space")
		objects = objects || strings.HasSuffix(t.Name, "_objects")
	}
	return space && objects
}

// leftOut is true for labels that are different for every request.
func leftOut(d *decoder, name string) bool {
	switch name {
	case "trace_id", "trace id", "local root span id":
		d.e.Warn.Once("", "label "+name+" is not kept: a span leads to its trace")
		return true
	}
	return false
}
