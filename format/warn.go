package format

import "fmt"

// Warnings keeps the first warnings of an input and counts the rest.
type Warnings struct {
	List    []Warning
	Dropped int
	max     int
	once    map[string]bool
}

// NewWarnings keeps as many as the limits say.
func NewWarnings(l Limits) *Warnings { return &Warnings{max: l.Filled().Warnings} }

// Add notes something odd. The text is only put together when it is kept.
func (w *Warnings) Add(position, text string, args ...any) {
	if len(w.List) >= w.max {
		w.Dropped++
		return
	}
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	w.List = append(w.List, Warning{position, text})
}

// Once notes what would be noted a thousand times alike.
func (w *Warnings) Once(position, text string) {
	if w.once[text] {
		return
	}
	if w.once == nil {
		w.once = map[string]bool{}
	}
	if len(w.once) < w.max {
		w.once[text] = true
	}
	w.Add(position, "%s", text)
}
