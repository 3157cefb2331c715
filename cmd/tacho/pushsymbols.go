package main

import (
	"debug/elf"
	"fmt"
	"io"

	"tacho/report"
)

// isELF says whether a file is a program, a library or a debug file: those are
// not read as profiles, they say what the addresses in profiles are.
func isELF(f io.ReaderAt) bool {
	var magic [4]byte
	_, err := f.ReadAt(magic[:], 0)
	return err == nil && string(magic[:]) == elf.ELFMAG
}

// pushedSymbols is what the server says of a debug file it has taken.
type pushedSymbols struct {
	BuildID   string `json:"build_id"`
	Functions int
	Lines     bool
	Notes     []string
}

func (got *pushedSymbols) meant() bool { return got.BuildID != "" }

func (got *pushedSymbols) tell(_ *pushFlags, std stdio, _, file string) {
	lines := "with files and lines"
	if !got.Lines {
		lines = "without files and lines"
	}
	fmt.Fprintf(std.out, "%s: symbols of build %s, %d functions, %s\n", file, report.Visible(got.BuildID), got.Functions, lines)
	for _, n := range got.Notes {
		fmt.Fprintf(std.err, "%s: %s\n", file, report.Visible(n))
	}
}
