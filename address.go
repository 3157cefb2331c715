package tacho

import (
	"strconv"
	"strings"
)

// buildIDFile marks the File of a frame that is an address: what will name the
// source once the build has been uploaded.
const buildIDFile = "build-id:"

// AddressFrame is a call of which only the address is known: module+0xoffset.
// offset counts from the start of the module's file, as mappings do
// (address − mapping start + mapping offset), so that it means the same in
// every process; buildID is hexadecimal, "" if unknown. Such frames are stored as
// they are and are given their names by whoever has the symbols (room symbol).
func AddressFrame(module, buildID string, offset uint64, kind FrameKind) Frame {
	name := module[strings.LastIndexByte(module, '/')+1:]
	if name == "" {
		name = "[unknown]"
	}
	f := Frame{Function: name + "+0x" + strconv.FormatUint(offset, 16), Module: module, Kind: kind}
	if buildID != "" {
		f.File = buildIDFile + buildID
	}
	return f
}

// Address is what AddressFrame was given, ok is false for any other frame.
func (f Frame) Address() (buildID string, offset uint64, ok bool) {
	if f.Line != 0 {
		return "", 0, false
	}
	buildID, hasID := strings.CutPrefix(f.File, buildIDFile)
	if !hasID && f.File != "" {
		return "", 0, false
	}
	i := strings.LastIndex(f.Function, "+0x")
	if i <= 0 {
		return "", 0, false
	}
	if !hasID && f.Function[:i] != f.Module[strings.LastIndexByte(f.Module, '/')+1:] && f.Function[:i] != "[unknown]" {
		return "", 0, false // perf's symbol+0xoffset
	}
	offset, err := strconv.ParseUint(f.Function[i+3:], 16, 64)
	return buildID, offset, err == nil
}
