package otlp

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"

	"tacho"
	"tacho/format"
)

type decoder struct {
	e    *format.Emitter
	o    format.Options
	pd   pprofile.Profiles
	dict *dict
	from int64 // window of what is held
	till int64
}

// attributes visits the scalar attributes of a list of indexes.
func (x *dict) attributes(indices pcommon.Int32Slice, visit func(key, value string)) {
	t := x.d.AttributeTable()
	for k := range indices.Len() {
		i := indices.At(k)
		if i <= 0 || int(i) >= t.Len() {
			if i != 0 {
				x.warn("an index lies outside the attribute table")
			}
			continue
		}
		a := t.At(int(i))
		if v, ok := scalar(a.Value()); ok {
			visit(x.str(a.KeyStrindex()), v)
		}
	}
}

func (d *decoder) profiles() error {
	d.dict = &dict{d: d.pd.Dictionary(), stacks: map[int32]tacho.Stack{}, modules: map[int32]module{}, warn: func(s string) { d.e.Warn.Once("dictionary", s) }}
	for i, rp := range d.pd.ResourceProfiles().All() {
		labels := map[string]string{}
		add(labels, rp.Resource().Attributes())
		for j, sp := range rp.ScopeProfiles().All() {
			for k, p := range sp.Profiles().All() {
				if err := d.profile(labels, p, fmt.Sprintf("resource %d, scope %d, profile %d", i, j, k)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// target is the labels of samples beside the options' target.
func (d *decoder) target(resource map[string]string, own []tacho.Label) []tacho.Label {
	m := make(map[string]string, len(resource)+len(own))
	for k, v := range resource {
		m[k] = v
	}
	for _, l := range own {
		if have := m[l.Name]; have != "" && have != l.Value {
			m[format.Exported+l.Name] = l.Value
			continue
		}
		m[l.Name] = l.Value
	}
	if d.o.Target.Get(tacho.LabelService) != "" && d.o.Target.Get(tacho.LabelInstance) != "" {
		return tacho.NewLabels(m)
	}
	return identity(m)
}

func (d *decoder) profile(resource map[string]string, p pprofile.Profile, position string) error {
	typ, factor := d.typeOf(p)
	if err := d.window(p); err != nil {
		return err
	}
	plain := d.target(resource, nil)
	if err := d.e.Declare(plain, typ); err != nil {
		return err
	}
	sets := map[string][]tacho.Label{}
	for i, s := range p.Samples().All() {
		st := d.dict.stack(s.StackIndex(), d.e.Limits.Depth)
		if len(st) == 0 {
			d.e.Warn.Once(position, "samples without a stack are left out")
			continue
		}
		thread, own := d.attributes(s)
		labels := plain
		if len(own) > 0 {
			key := tacho.Labels(own).String()
			if labels = sets[key]; labels == nil {
				labels = d.target(resource, own)
				sets[key] = labels
			}
		}
		if err := d.values(labels, typ, factor, st, thread, s, fmt.Sprintf("%s, sample %d", position, i)); err != nil {
			return err
		}
	}
	return nil
}

// values adds a sample's values. With as many timestamps as values each is of its
// moment; timestamps without values are one each; anything else is untimed.
func (d *decoder) values(labels []tacho.Label, typ tacho.ValueType, factor int64, st tacho.Stack, th tacho.Thread, s pprofile.Sample, position string) error {
	values, times := s.Values(), s.TimestampsUnixNano()
	n := values.Len()
	if n == 0 {
		n = times.Len()
	}
	timed := times.Len() == n
	if !timed && times.Len() > 0 {
		d.e.Warn.Add(position, "%d values but %d timestamps: kept without a time", values.Len(), times.Len())
	}
	span := d.span(s.LinkIndex())
	for i := range n {
		x := tacho.Sample{Value: factor, Span: span}
		if values.Len() > 0 {
			v := values.At(i)
			if v < 0 || v > math.MaxInt64/factor {
				d.e.Warn.Add(position, "value %d cannot be kept", v)
				continue
			}
			x.Value = v * factor
		}
		if timed && times.At(i) < math.MaxInt64 {
			x.Time = int64(times.At(i))
		}
		if err := d.e.Add(labels, typ, st, th, x); err != nil {
			return err
		}
	}
	return nil
}

// attributes are a sample's thread and its labels, sorted.
func (d *decoder) attributes(s pprofile.Sample) (th tacho.Thread, own []tacho.Label) {
	if s.AttributeIndices().Len() == 0 {
		return th, nil
	}
	m := map[string]string{}
	d.dict.attributes(s.AttributeIndices(), func(key, value string) {
		switch key {
		case "thread.name":
			th.Name = value
		case "thread.id":
			th.ID, _ = strconv.ParseInt(value, 10, 64)
		default:
			put(m, key, value)
		}
	})
	th.Group = format.ThreadGroup(th.Name)
	if len(m) == 0 {
		return th, nil
	}
	return th, tacho.NewLabels(m)
}

func (d *decoder) span(i int32) uint64 {
	t := d.pd.Dictionary().LinkTable()
	if i <= 0 || int(i) >= t.Len() {
		return 0
	}
	id := t.At(int(i)).SpanID()
	return binary.BigEndian.Uint64(id[:])
}

// typeOf is what a profile measures. Samples counted at a period of CPU time are
// that CPU time; OpenTelemetry's profiler calls time off the CPU events.
func (d *decoder) typeOf(p pprofile.Profile) (tacho.ValueType, int64) {
	t := d.valueType(p.SampleType())
	period := d.valueType(p.PeriodType())
	switch {
	case t.Unit == "count" && (t.Name == "samples" || t.Name == "cpu") && period == tacho.CPU && p.Period() > 0:
		return tacho.CPU, p.Period()
	case t.Name == "off_cpu" || t.Name == "events" && t.Unit == "nanoseconds":
		return tacho.ValueType{Name: tacho.OffCPU.Name, Unit: t.Unit}, 1
	case t == tacho.ValueType{}:
		return d.o.Values()
	}
	if t.Unit == "" {
		t.Unit = "count"
	}
	if t.Name == "" {
		t.Name = "value"
	}
	return t, 1
}

func (d *decoder) valueType(v pprofile.ValueType) tacho.ValueType {
	return tacho.ValueType{Name: d.dict.str(v.TypeStrindex()), Unit: d.dict.str(v.UnitStrindex())}
}

// window tells the emitter when the profile was taken; what is held of another
// window is handed over first.
func (d *decoder) window(p pprofile.Profile) error {
	from, length := uint64(p.Time()), p.DurationNano()
	if from == 0 || from > math.MaxInt64 || length > math.MaxInt64-from {
		return nil
	}
	f, t := int64(from), int64(from+length)
	if f == d.from && t == d.till {
		return nil
	}
	err := d.e.Flush()
	d.from, d.till = f, t
	d.e.Window(f, t)
	return err
}
