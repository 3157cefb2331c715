package asyncprof

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"tacho/record/hotspot"
)

// Problem is why a JVM is not recorded with async-profiler, in words for the
// agents page.
type Problem struct {
	Reason string // one sentence
	Remedy string // one sentence: what to do; "" when nothing is needed
	Err    error  // what the system said, may be nil

	absent bool // there is no library: to be looked at again soon, and cheap to do
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Reason
	}
	return p.Reason + " (" + p.Err.Error() + ")"
}

func (p *Problem) Unwrap() error { return p.Err }

// asProblem is any error in words for the agents page.
func asProblem(err error) *Problem {
	var own *Problem
	if errors.As(err, &own) {
		return own
	}
	var vm *hotspot.Problem
	if errors.As(err, &vm) {
		return &Problem{Reason: "No recording with async-profiler: " + vm.Reason, Remedy: vm.Remedy, Err: err}
	}
	return &Problem{Reason: "No recording with async-profiler: " + oneLine(err.Error()) + ".", Remedy: "See the agent's log.", Err: err}
}

// loaded reads the JVM's answer to load: "return code: 0", on JDK 8 "0". said
// is what async-profiler wrote to its log.
func loaded(pid int, library, text, said string) error {
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(strings.TrimSpace(line), "return code: ")
		if !ok {
			code = strings.TrimSpace(line)
		}
		if code == "0" {
			return nil
		}
		if code != "" && strings.Trim(code, "-0123456789") == "" {
			return refused(pid, code, said)
		}
	}
	why := oneLine(text)
	switch {
	case strings.Contains(text, "Dynamic agent loading is not enabled"):
		return &Problem{Reason: fmt.Sprintf("The JVM in process %d runs with -XX:-EnableDynamicAgentLoading and loads no async-profiler.", pid),
			Remedy: "Start it with -XX:+EnableDynamicAgentLoading."}
	case strings.Contains(text, "is not available in"):
		return &Problem{Reason: fmt.Sprintf("%s is loaded in process %d and is no async-profiler: it has no Agent_OnAttach.", library, pid),
			Remedy: "Name the path of libasyncProfiler.so with `library`."}
	case why == "":
		why = "it does not say why"
	}
	why = strings.TrimSuffix(strings.TrimPrefix(why, library+" was not loaded. "), ".")
	return &Problem{Reason: fmt.Sprintf("The JVM in process %d cannot load %s: %s.", pid, library, why),
		Remedy: "Install the build of async-profiler that is for the JVM's architecture and C library."}
}

func refused(pid int, code, said string) *Problem {
	if strings.Contains(said, "already started") {
		return &Problem{Reason: fmt.Sprintf("Somebody else is recording process %d with async-profiler.", pid), Remedy: "Nothing: Tacho tries again at its next turn."}
	}
	if strings.Contains(said, "not active") {
		return &Problem{Reason: fmt.Sprintf("Somebody else ended the recording of process %d with async-profiler before its time.", pid), Remedy: "Nothing: Tacho tries again at its next turn."}
	}
	why := strings.TrimSuffix(oneLine(strings.ReplaceAll(said, "[ERROR] ", "")), ".")
	if why == "" {
		why = "code " + code
	}
	return &Problem{Reason: fmt.Sprintf("async-profiler refuses to record process %d: %s.", pid, why),
		Remedy: "Choose another event (itimer and wall need no perf_events), or see async-profiler's documentation of the message."}
}

const maxSaid = 300

// oneLine makes a piece of a sentence of what somebody else wrote.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}
