package hotspot

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// protocol is how requests to one JVM are spelled.
//
//	v1:  "1" 0  command 0  arg 0  arg 0  arg 0           always three arguments
//	v2:  "2" 0  size 0  command[ options] 0  arg 0 …     size: decimal, of all that follows
//
// From HotSpotVirtualMachine.writeCommand of JDK 25.
type protocol struct {
	version int
	options string // of v2, "" or "streaming=0"
}

const (
	// Beyond these HotSpot closes the connection; JDK 25 also prints an error
	// to the application's stdout. Measured on 17.0.15 and 25.0.3.
	maxArgV1  = 1024 // each argument
	maxSizeV2 = 256 << 10
	maxCmd    = 16
)

func tooLong(what string, n, limit int) *Problem {
	return &Problem{Kind: TooLong,
		Reason: fmt.Sprintf("The %s is %d bytes long and this JVM's attach protocol takes at most %d.", what, n, limit),
		Remedy: "Shorten the command or pass its settings in a file."}
}

// encode checks the limits first: HotSpot's answer to a request that exceeds
// them is a closed connection, which looks like a refusal.
func (p protocol) encode(cmd string, args []string) ([]byte, error) {
	for _, s := range append([]string{cmd}, args...) {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, fmt.Errorf("command %q has a zero byte", cmd)
		}
	}
	if len(cmd) > maxCmd {
		return nil, tooLong("name of the command", len(cmd), maxCmd)
	}
	total := 0
	for _, a := range args {
		total += len(a)
	}
	var b bytes.Buffer
	if p.version < 2 {
		if len(args) > 3 {
			return nil, fmt.Errorf("command %s has %d arguments, this JVM takes 3", cmd, len(args))
		}
		for _, a := range args {
			if len(a) > maxArgV1 {
				return nil, tooLong("command "+cmd, len(a), maxArgV1)
			}
		}
		b.WriteString("1\x00" + cmd + "\x00")
		for i := range 3 {
			if i < len(args) {
				b.WriteString(args[i])
			}
			b.WriteByte(0)
		}
		return b.Bytes(), nil
	}
	if p.options != "" {
		cmd += " " + p.options
	}
	size := len(cmd) + 1 + total + len(args)
	if size > maxSizeV2 {
		return nil, tooLong("command "+cmd, size, maxSizeV2)
	}
	b.WriteString("2\x00" + strconv.Itoa(size) + "\x00" + cmd + "\x00")
	for _, a := range args {
		b.WriteString(a)
		b.WriteByte(0)
	}
	return b.Bytes(), nil
}

// parseGetVersion reads the reply to "getversion options": "2 streaming,…".
// JVMs that do not know the command speak v1.
func parseGetVersion(r reply) protocol {
	if r.code != 0 {
		return protocol{version: 1}
	}
	ver, opts, _ := strings.Cut(strings.TrimSpace(string(r.text)), " ")
	n, err := strconv.Atoi(ver)
	if err != nil || n < 2 {
		return protocol{version: 1}
	}
	p := protocol{version: 2}
	for o := range strings.SplitSeq(opts, ",") {
		// Streaming writes the reply from within the safepoint, at the speed
		// of the reader. Buffered in the JVM, it does not depend on us.
		if strings.TrimSpace(o) == "streaming" {
			p.options = "streaming=0"
		}
	}
	return p
}

// reply is what came back.
//
//	code "\n" text        until the JVM closes
type reply struct {
	code int
	text []byte
	cut  bool // longer than the limit; the rest was read and dropped
}

func protocolProblem(err error) *Problem {
	return &Problem{Kind: Protocol, Reason: "The reply is not one of a HotSpot JVM.", Remedy: "Report this with the version of the JVM.", Err: err}
}

// parseReply splits the bytes read until the end of the connection.
func parseReply(b []byte, cut bool) (reply, error) {
	line, text, ok := bytes.Cut(b, []byte{'\n'})
	if !ok && len(line) > 12 || len(b) == 0 {
		return reply{}, protocolProblem(fmt.Errorf("no completion code in the first 12 of %d bytes", len(b)))
	}
	code, err := strconv.Atoi(string(line))
	if err != nil {
		return reply{}, protocolProblem(fmt.Errorf("completion code %.20q at offset 0: %w", line, err))
	}
	return reply{code, text, cut}, nil
}

// refusal is the JVM's error, nil when the command went well.
func (r reply) refusal(cmd string) error {
	if r.code == 0 {
		return nil
	}
	return &CommandError{cmd, r.code, strings.TrimSpace(string(r.text[:min(len(r.text), maxErrorText)]))}
}
