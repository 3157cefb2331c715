package proc

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mount is one mounted cgroup hierarchy.
type mount struct {
	version int
	options []string // v1: its controllers among them
	root    string   // the group that is mounted, as seen from the root of our cgroup namespace
	dir     string   // where, from our root
}

// readMounts lists the cgroup hierarchies of a view, and the container id its
// other mounts give away (in a cgroup namespace of its own a container's group
// is just "/").
func readMounts(v view) (ms []mount, container string, err error) {
	b, err := os.ReadFile(v.mountinfo)
	if err != nil {
		return nil, "", fmt.Errorf("read mounts: %w", err)
	}
	return parseMounts(v, string(b))
}

// parseMounts reads lines of mountinfo (proc(5)):
//
//	36 35 98:0 /root /mount/point rw,noatime shared:1 … - type source super,options
func parseMounts(v view, text string) (ms []mount, container string, err error) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		left, right, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(left), strings.Fields(right)
		if !ok || len(f) < 6 || len(g) < 1 {
			return nil, "", &SyntaxError{File: v.mountinfo, Line: i + 1, Column: 1, Problem: fmt.Sprintf("%q is not a mount", line)}
		}
		m := mount{root: unescape(f[3]), dir: filepath.Join(v.prefix, unescape(f[4]))}
		switch g[0] {
		case "cgroup":
			m.version = 1
			if len(g) > 2 {
				m.options = strings.Split(g[2], ",")
			}
			ms = append(ms, m)
		case "cgroup2":
			m.version = 2
			ms = append(ms, m)
		default:
			if container == "" && strings.Contains(m.root, "/containers/") {
				container = containerID(m.root)
			}
		}
	}
	return ms, container, nil
}

// unescape undoes the octal escapes \040 \011 \012 \134 of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// finder finds the directories of a process's group.
type finder struct {
	file   string
	groups []group
	mounts []mount
}

// levels are the directories of a group and of its parents up to the mounted
// one, innermost first.
type levels struct {
	version int
	path    string // of the group
	dirs    []string
}

// find returns the levels of the hierarchy that has the controller: a v1 one
// that names it, else the unified one.
func (f finder) find(controller string) (levels, error) {
	var g *group
	for i := range f.groups {
		if slices.Contains(f.groups[i].controllers, controller) {
			g = &f.groups[i]
			break
		}
		if f.groups[i].controllers == nil {
			g = &f.groups[i]
		}
	}
	if g == nil {
		return levels{}, fmt.Errorf("%s names neither a %s controller nor a unified hierarchy", f.file, controller)
	}
	version := 2
	if g.controllers != nil {
		version = 1
	}
	var tried []string
	for _, m := range f.mounts {
		if m.version != version || version == 1 && !slices.Contains(m.options, controller) {
			continue
		}
		rel, ok := below(m.root, g.path)
		if !ok {
			tried = append(tried, fmt.Sprintf("%s mounts %s", m.dir, m.root))
			continue
		}
		if fi, err := os.Stat(filepath.Join(m.dir, rel)); err != nil || !fi.IsDir() {
			tried = append(tried, fmt.Sprintf("%s has no directory %s", m.dir, rel))
			continue
		}
		l := levels{version: version, path: g.path}
		for rel != "." {
			l.dirs = append(l.dirs, filepath.Join(m.dir, rel))
			rel = path.Dir(rel)
		}
		l.dirs = append(l.dirs, m.dir)
		return l, nil
	}
	why := "it is not mounted"
	if len(tried) > 0 {
		why = strings.Join(tried, "; ")
	}
	return levels{}, fmt.Errorf("cgroup v%d group %s (controller %s) of %s cannot be found: %s", version, g.path, controller, f.file, why)
}

// below returns p relative to root, "." when they are equal. Groups outside of
// our cgroup namespace are written /../x and are below nothing.
func below(root, p string) (string, bool) {
	if strings.HasPrefix(p, "/..") || strings.HasPrefix(root, "/..") && root != p {
		return "", false
	}
	root, p = path.Clean(root), path.Clean(p)
	if root == p {
		return ".", true
	}
	if root != "/" {
		root += "/"
	}
	rel, ok := strings.CutPrefix(p, root)
	return rel, ok
}
