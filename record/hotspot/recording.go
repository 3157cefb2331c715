package hotspot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recording is a JFR recording to start. Give either JFC or Settings.
type Recording struct {
	Name     string            // letters, digits, "-", "_", "."; not only digits: numbers are ids
	JFC      []byte            // content of a .jfc file
	Settings map[string]string // "jdk.ExecutionSample#period": "20 ms"; every event not named is off
	MaxSize  int64             // bytes the JVM may keep on disk, 0: JFR's own default of 250 MB
	MaxAge   time.Duration     // 0: unlimited
}

// StartRecording starts a recording to the JVM's disk repository. It is not
// dumped when the JVM exits. Settings go with the command where JDK (17 and
// later) and protocol have room for them, else through a file in the JVM's /tmp
// that exists only while the command runs. Nothing is printed to the
// application's stdout.
func (j *JVM) StartRecording(ctx context.Context, r Recording) error {
	if err := r.check(); err != nil {
		return err
	}
	line := r.command()
	if r.JFC == nil {
		if inline := line + " settings=none" + inlineSettings(r.Settings); j.version.Major >= 17 && len(inline) <= j.proto.room() {
			return j.start(ctx, r.Name, inline)
		}
		r.JFC = settingsFile(r.Settings)
	}
	f, err := j.placeFile(r.JFC)
	if err != nil {
		return fmt.Errorf("start recording %s in process %d: %w", r.Name, j.p.PID, err)
	}
	err = j.start(ctx, r.Name, line+" settings="+f.inside)
	if rerr := f.remove(); rerr != nil {
		j.opt.Log.Warn("settings file not removed", "pid", j.p.PID, "error", rerr)
	}
	return err
}

func (r Recording) check() error {
	if !plainName(r.Name) {
		return fmt.Errorf("start recording: name %q: want letters, digits and -_., and not only digits", r.Name)
	}
	if (r.JFC == nil) == (r.Settings == nil) {
		return fmt.Errorf("start recording %s: give either settings or the content of a .jfc file", r.Name)
	}
	for k, v := range r.Settings {
		event, setting, ok := strings.Cut(k, "#")
		if !ok || event == "" || setting == "" || strings.ContainsAny(k, " \t\n=\"'") || strings.ContainsAny(v, "\"'\n") {
			return fmt.Errorf("start recording %s: setting %q=%q: want event#setting and a value without quotes", r.Name, k, v)
		}
	}
	return nil
}

// plainName is a name that needs no quoting and cannot be taken for an id.
func plainName(s string) bool {
	digits := true
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
			digits = false
		default:
			return false
		}
	}
	return !digits && len(s) <= 128
}

func (r Recording) command() string {
	line := "JFR.start name=" + r.Name + " disk=true dumponexit=false"
	if r.MaxSize > 0 {
		line += " maxsize=" + strconv.FormatInt(r.MaxSize, 10)
	}
	if r.MaxAge > 0 {
		line += " maxage=" + strconv.FormatInt(max(1, int64(r.MaxAge/time.Second)), 10) + "s"
	}
	return line
}

func inlineSettings(s map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(" +" + k + "=")
		if strings.Contains(s[k], " ") {
			b.WriteString(`"` + s[k] + `"`)
		} else {
			b.WriteString(s[k])
		}
	}
	return b.String()
}

// room is the longest command line this JVM takes, with some to spare.
func (p protocol) room() int {
	if p.version < 2 {
		return maxArgV1
	}
	return maxSizeV2 - 256
}

func (j *JVM) start(ctx context.Context, name, line string) error {
	text, err := j.jfr(ctx, line)
	if err != nil {
		return fmt.Errorf("start recording %s: %w", name, err)
	}
	for l := range strings.Lines(text) {
		if w, ok := strings.CutPrefix(strings.TrimSpace(l), "Warning! "); ok {
			j.opt.Log.Warn("JFR.start", "pid", j.p.PID, "recording", name, "warning", w)
		}
	}
	if !strings.Contains(text, "Started recording ") {
		return fmt.Errorf("start recording %s in process %d: %w", name, j.p.PID, said("JFR.start", text))
	}
	return nil
}

// said makes an error of a reply that was not the one hoped for: JFR's commands
// end with code 0 whatever happens.
func said(cmd, text string) error {
	text = strings.TrimSpace(text)
	return &CommandError{Command: cmd, Text: text[:min(len(text), maxErrorText)]}
}

// jfrPatience is how much longer than other commands JFR's may take: the first
// one loads and instruments classes, 11 s on a loaded machine.
const jfrPatience = 6

// jfr runs a JFR command and recognises a JVM that has no JFR.
func (j *JVM) jfr(ctx context.Context, line string) (string, error) {
	r, err := j.ask(ctx, jfrPatience*j.opt.Timeout, "jcmd", line)
	text := string(r.text)
	var refused *CommandError
	if errors.As(err, &refused) && strings.Contains(refused.Text, "Unknown diagnostic command") {
		return "", &Problem{Kind: NoJFR, Reason: fmt.Sprintf("The JVM in process %d (JDK %s) has no Flight Recorder.", j.p.PID, j.version.JDK),
			Remedy: "Run the service on JDK 11 or later, or 8u262 or later.", Err: err}
	}
	if err != nil {
		return "", err
	}
	head := text[:min(len(text), 200)]
	switch {
	case strings.Contains(head, "Module jdk.jfr not found"):
		return "", &Problem{Kind: NoJFR, Reason: fmt.Sprintf("The runtime image of process %d has no jdk.jfr module.", j.p.PID),
			Remedy: "Add jdk.jfr to the jlink --add-modules list of the image.", Err: said(line[:9], head)}
	case strings.HasPrefix(head, "Flight Recorder is disabled"), strings.Contains(head, "Flight Recorder can not be enabled"),
		strings.HasPrefix(head, "Java Flight Recorder not enabled"):
		return "", &Problem{Kind: NoJFR, Reason: fmt.Sprintf("Flight Recorder is switched off in process %d.", j.p.PID),
			Remedy: "Remove -XX:-FlightRecorder from the options of the JVM.", Err: said(line[:9], head)}
	}
	return text, nil
}

// Recordings lists every recording of the JVM, other people's too.
func (j *JVM) Recordings(ctx context.Context) ([]RecordingInfo, error) {
	text, err := j.jfr(ctx, "JFR.check")
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	rs, err := parseCheck(text)
	if err != nil {
		return nil, fmt.Errorf("list recordings of process %d: %w", j.p.PID, err)
	}
	return rs, nil
}

// ErrNoRecording is a name or id that no recording has.
var ErrNoRecording = errors.New("no such recording")

// StopRecording ends a recording and lets its data go. name is a name, of which
// the JVM may have several, or an id.
func (j *JVM) StopRecording(ctx context.Context, name string) error {
	if err := checkRef(name); err != nil {
		return fmt.Errorf("stop recording: %w", err)
	}
	text, err := j.jfr(ctx, "JFR.stop name="+name)
	if err != nil {
		return fmt.Errorf("stop recording %s: %w", name, err)
	}
	if strings.Contains(text, "Stopped recording ") {
		return nil
	}
	err = said("JFR.stop", text)
	if missing(text) {
		err = fmt.Errorf("%w: %w", ErrNoRecording, err)
	}
	return fmt.Errorf("stop recording %s in process %d: %w", name, j.p.PID, err)
}

// missing recognises the answers for an unknown name: 17 and 25 say "Could not
// find recording", or, after the fact, "Could not stop recording" alone.
func missing(text string) bool {
	return strings.Contains(text, "Could not find") || strings.Contains(text, "Could not stop recording")
}

func checkRef(name string) error {
	if _, err := strconv.ParseUint(name, 10, 63); err != nil && !plainName(name) {
		return fmt.Errorf("recording %q: want a plain name or an id", name)
	}
	return nil
}

// DumpRecording writes what a recording holds to a file of the JVM's file
// system, which the JVM creates with its own ids.
func (j *JVM) DumpRecording(ctx context.Context, name, inside string) error {
	if err := checkRef(name); err != nil {
		return fmt.Errorf("dump recording: %w", err)
	}
	if !path.IsAbs(inside) || strings.ContainsAny(inside, "\"'\n\x00,") {
		return fmt.Errorf("dump recording %s: file %q: want an absolute path without quotes", name, inside)
	}
	text, err := j.jfr(ctx, "JFR.dump name="+name+` filename="`+inside+`"`)
	if err != nil {
		return fmt.Errorf("dump recording %s: %w", name, err)
	}
	if !strings.Contains(text, "Dumped recording ") {
		err = said("JFR.dump", text)
		if missing(text) {
			err = fmt.Errorf("%w: %w", ErrNoRecording, err)
		}
		return fmt.Errorf("dump recording %s of process %d: %w", name, j.p.PID, err)
	}
	return nil
}

// ErrNoRepository: no recording was started in this JVM yet.
var ErrNoRepository = errors.New("the JVM has no JFR repository")

// Repository is the directory the JVM writes its chunks to, as the JVM sees
// it: open it with Process.OpenInside. It may change when somebody uses
// JFR.configure.
func (j *JVM) Repository(ctx context.Context) (string, error) {
	props, err := j.Properties(ctx)
	if err != nil {
		return "", fmt.Errorf("find the JFR repository: %w", err)
	}
	dir := props["jdk.jfr.repository"]
	if dir == "" {
		return "", fmt.Errorf("process %d: %w", j.p.PID, ErrNoRepository)
	}
	return dir, nil
}

// Properties are the JVM's system properties.
func (j *JVM) Properties(ctx context.Context) (map[string]string, error) {
	b, err := j.Command(ctx, "properties")
	if err != nil {
		return nil, err
	}
	return parseProperties(b), nil
}
