package browsertest

import (
	"bytes"
	_ "embed"
	"image/color"
	"image/png"
	"slices"
	"strings"
)

//go:embed testdata/look.js
var look string

// view is everything the page shows at one moment.
type view struct {
	URL, Title, Theme, Ground, Focus string
	Overflow                         float64  // pixels the page is wider than the window
	Notes                            []string // what is shown instead of data: "empty: …", loading, error, denied
	Offline, Missing                 string   // banners
	Help                             string   // open; closed while it goes; empty when it is gone
	Status                           *struct {
		Recording, Refused, Limited *int
		Text                        string
	}

	Services []listed
	Files    []struct{ Name, Service, Text, Href string }
	Jobs     []struct{ Name, State, Text, Href string }
	Timeline string // "true" while it loads
	Targets  []target
	Sink     string

	Recorder *struct {
		Type            string
		FromMS, UntilMS int64
	}
	Live, Selection string
	Types           []string

	Heat    *heat
	Band    *box
	Columns []column

	Pane    string // icicle or callers
	Icicle  *icicle
	Frames  []frame
	Callees *callees // the lower half of a sandwich
	Tooltip string
	Menu    []menuItem
	Tags    []string // every chip: hook and name
	Said    string
	Picker  []struct {
		Label, Value string
		On           bool
	}
	Compare *struct {
		Base, Now, Norm, BaseText, NowText, Test string
		Fresh                                    bool
	}
	Chips map[string]string

	Search, Verdict string
	Top             *struct {
		Sort           string
		Rows, RowCount int
		Stale          bool
	}
	Rows []row
}

// listed is a service of the list.
type listed struct {
	Name, Live, Demo, Text string
	Recorded               int // hours of the strip
	Instances              []instance
}

// instance is one of a service of the list.
type instance struct {
	Name, Live, Text string
	Rate             *float64 // samples a second
	Recorded         *int     // hours of its own strip, where it has one
}

// listed is the service in the list, nil if it is not there.
func (v *view) listed(name string) *listed {
	for i := range v.Services {
		if v.Services[i].Name == name {
			return &v.Services[i]
		}
	}
	return nil
}

// target is a process of the page of agents.
type target struct {
	PID                                  int
	State, Service, Reason, Remedy, Text string
}

// notes reports whether there is a note that starts with a text instead of data.
func (v *view) notes(start string) bool {
	return slices.ContainsFunc(v.Notes, func(n string) bool { return strings.HasPrefix(n, start) })
}

// box is a place on the screen, in CSS pixels.
type box struct {
	X, Y, W, H float64
	Text       string
}

// heat is the heat map.
type heat struct {
	CellsRecorded, Cols, Rows         int
	StepMS, OriginMS, FromMS, UntilMS int64
	DemoUntilMS                       *int64
	Top, PlotX, PlotY, PlotW, PlotH   float64
	Selection, Live, Readout, Legend  string
	Box                               box
}

// at is the middle of the square of an instant, on the screen.
func (h *heat) at(ms int64) point {
	cell := int(ms-h.OriginMS) / int(h.StepMS)
	c, r := float64(cell/h.Rows), float64(cell%h.Rows)
	return point{h.Box.X + h.PlotX + (c+0.5)*h.PlotW/float64(h.Cols), h.Box.Y + h.PlotY + (r+0.5)*h.PlotH/float64(h.Rows)}
}

// column is a row of the heat map's table: the sum of a column of squares.
type column struct {
	FromMS, UntilMS int64
	Recorded        int
	Sum             float64
}

type icicle struct {
	Nodes, Depth, ZoomNode, Pruned      int
	Mirrored                            bool // the table is of the tree that is drawn
	Matches                             *int
	Total                               int64
	ScrollTop, Scrolled, RowH           float64 // drawn for, really scrolled to
	Zoom, Cursor, Color, Readout, Kinds string
	Stale, Flip                         bool
	Inner                               float64 // the height of all rows
	Box                                 box
}

// callees is the icicle below the callers.
type callees struct {
	Nodes, Depth, ZoomNode int
	Total                  int64
	ScrollTop, RowH        float64
	Zoom, Cursor           string
	Stale                  bool
	Box                    box
	Frames                 []frame
}

// menuItem is an entry of the menu that is open.
type menuItem struct{ ID, Text, Href string }

// frame is a row of the icicle's table: one of the widest frames in sight.
type frame struct {
	Name        string
	Node, Level int
	X, Y, W, H  float64 // in the canvas
	Total, Self int64
	Base        *int64 // of a comparison
	State       string
}

// on is the middle of a frame on the screen.
func (v *view) on(f *frame) point {
	return point{v.Icicle.Box.X + f.X + f.W/2, v.Icicle.Box.Y + f.Y + f.H/2}
}

// beside is a point of the frame on the screen, clear of its label.
func (v *view) beside(f *frame) point {
	return point{v.Icicle.Box.X + f.X + f.W - 6, v.Icicle.Box.Y + f.Y + f.H/2}
}

// frame is the widest frame in sight whose name contains the text, nil if none.
func (v *view) frame(text string) *frame {
	var best *frame
	for i := range v.Frames {
		if f := &v.Frames[i]; strings.Contains(f.Name, text) && (best == nil || f.W > best.W) {
			best = f
		}
	}
	return best
}

// row is a row of the top methods.
type row struct {
	Name        string
	Self, Total int64
	BaseSelf    *int64 // of a comparison
	BaseTotal   *int64
	State       string
	On          bool     // marked
	Cells       []string // the texts: self, self %, total, total %
}

// names are those of the first rows.
func (v *view) names(n int) []string {
	var out []string
	for _, r := range v.Rows[:min(n, len(v.Rows))] {
		out = append(out, r.Name)
	}
	return out
}

// settled reports whether table and icicle show what was last asked for, the
// icicle from its zoomed frame on.
func (v *view) settled() bool {
	if !v.placed() || v.Icicle.Stale || v.Top == nil || v.Top.Stale {
		return false
	}
	for _, f := range v.Frames {
		if f.Node == v.Icicle.ZoomNode {
			return f.W > v.Icicle.Box.W-1
		}
	}
	return false
}

// placed reports whether the table behind the icicle, which follows a moment
// after the drawing, says where the frames are now.
func (v *view) placed() bool {
	if v.Icicle == nil || len(v.Frames) == 0 {
		return false
	}
	f := v.Frames[0]
	y := float64(f.Level) * v.Icicle.RowH
	if v.Icicle.Flip {
		y = v.Icicle.Inner - y - v.Icicle.RowH
	}
	return v.Icicle.Mirrored && v.Icicle.Scrolled == v.Icicle.ScrollTop && f.Y == y-v.Icicle.ScrollTop && (f.Node != 0 || f.Total == v.Icicle.Total)
}

// colours are those on the screen at some points.
func (b *tab) colours(points ...point) []color.RGBA {
	b.t.Helper()
	img, err := png.Decode(bytes.NewReader(b.shot()))
	if err != nil {
		b.t.Fatal(err)
	}
	var out []color.RGBA
	for _, p := range points {
		out = append(out, color.RGBAModel.Convert(img.At(int(p.X), int(p.Y))).(color.RGBA))
	}
	return out
}

// bright is how bright a colour is, 0 to 255.
func bright(c color.RGBA) int { return (int(c.R)*30 + int(c.G)*59 + int(c.B)*11) / 100 }
