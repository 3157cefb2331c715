package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tacho/format/jfr"
)

// jfrFigures decodes a recording beside jfr print:
//
//  1. Without -file it records the execution samples of a real JVM running
//     format/jfr/testdata/Samples.java, in which nearly every sample has a stack
//     of its own, and repeats the recording's chunks up to -mb megabytes (chunks
//     one after the other are a recording).
//  2. It decodes all of it with package jfr, every frame of every sample
//     resolved, five times, and takes the median.
//  3. It runs `jfr print --events jdk.ExecutionSample` on the first -print-mb
//     megabytes, its output thrown away.
//
// jfr_mb_s is megabytes of samples and their constants, neither gzipped nor
// lz4'd, per second of user CPU. It leaves out the bytes of the chunks'
// metadata, which are equal in all chunks and which the decoder only compares;
// jfr_file_mb_s counts them too. jfr_vs_jfr_print is how many times more CPU
// (user and system) jfr print spends on a byte of the file; its start-up is part
// of that, which is why the part it is given is not small.
func jfrFigures(ctx context.Context, stderr io.Writer, c config, dir string) ([]figure, error) {
	var err error
	if c.jdk == "" {
		if c.jdk, err = findJDK(); err != nil {
			return nil, err
		}
	}
	if c.file == "" {
		fmt.Fprintf(stderr, "recording a JVM of %s for %d s\n", c.jdk, c.seconds)
		if c.file, err = record(ctx, dir, c.jdk, c.seconds); err != nil {
			return nil, err
		}
	}
	one, err := os.ReadFile(c.file)
	if err != nil {
		return nil, err
	}
	whole, size, err := repeat(filepath.Join(dir, "whole.jfr"), one, c.mb*1e6)
	if err != nil {
		return nil, err
	}
	part, partSize, err := repeat(filepath.Join(dir, "part.jfr"), one, c.printMB*1e6)
	if err != nil {
		return nil, err
	}

	var runs []decoded
	for range 5 {
		d, err := decode(ctx, whole)
		if err != nil {
			return nil, fmt.Errorf("decoding %s: %w", c.file, err)
		}
		runs = append(runs, d)
	}
	slices.SortFunc(runs, func(a, b decoded) int { return int(a.user - b.user) })
	ours := runs[len(runs)/2]
	fmt.Fprintf(stderr, "decoded %d samples, %d frames in %d bytes: %v user, %v system\n", ours.events, ours.frames, size, ours.user, ours.system)

	user, system, err := printed(ctx, c.jdk, part)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "jfr print of %d bytes: %v user, %v system\n", partSize, user, system)
	ourByte := (ours.user + ours.system).Seconds() / float64(size)
	theirByte := (user + system).Seconds() / float64(partSize)

	meta, err := metadataShare(one)
	if err != nil {
		return nil, err
	}
	fileRate := float64(size) / 1e6 / ours.user.Seconds()

	return []figure{
		{"jfr_mb_s", fileRate * (1 - meta), "MB/s"},
		{"jfr_file_mb_s", fileRate, "MB/s"},
		{"jfr_samples_s", float64(ours.events) / ours.user.Seconds(), "1/s"},
		{"jfr_frames_s", float64(ours.frames) / ours.user.Seconds(), "1/s"},
		{"jfr_vs_jfr_print", theirByte / ourByte, "x"},
	}, nil
}

func findJDK() (string, error) {
	p, err := exec.LookPath("javac")
	if err == nil {
		p, err = filepath.EvalSymlinks(p)
	}
	if err != nil {
		return "", fmt.Errorf("no JDK: install openjdk-17-jdk-headless or name one with -jdk: %w", err)
	}
	return filepath.Dir(filepath.Dir(p)), nil
}

// record makes a recording of a JVM and returns its path.
func record(ctx context.Context, dir, jdk string, seconds int) (string, error) {
	data, err := testdata()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "one.jfr")
	for _, args := range [][]string{
		{"javac", "-d", dir, filepath.Join(data, "Samples.java")},
		{"java", "-cp", dir, "-Xlog:jfr*=error", "-XX:FlightRecorderOptions=repository=" + filepath.Join(dir, "repository"),
			"-XX:StartFlightRecording=filename=" + file + ",settings=" + filepath.Join(data, "samples.jfc"),
			"Samples", fmt.Sprint(seconds * 1000)},
	} {
		out, err := exec.CommandContext(ctx, filepath.Join(jdk, "bin", args[0]), args[1:]...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s: %w\n%s", args[0], err, out)
		}
	}
	return file, nil
}

// testdata is the folder of the workload, found from any folder of the module.
func testdata() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		data := filepath.Join(dir, "format", "jfr", "testdata")
		if _, err := os.Stat(filepath.Join(data, "Samples.java")); err == nil {
			return data, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("format/jfr/testdata/Samples.java not found: run this inside Tacho's source")
		}
		dir = up
	}
}

// repeat writes one again and again until the file has at least size bytes.
func repeat(path string, one []byte, size int64) (string, int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	var n int64
	for n < size || n == 0 {
		k, err := f.Write(one)
		if n += int64(k); err != nil {
			f.Close()
			return "", 0, err
		}
	}
	return path, n, f.Close()
}

// metadataShare is which part of a recording's bytes are metadata: of every
// chunk the event its header points to.
func metadataShare(data []byte) (float64, error) {
	var meta int64
	for at := int64(0); at < int64(len(data)); {
		left := data[at:]
		if len(left) < 68 {
			return 0, fmt.Errorf("recording ends inside a chunk header at %d", at)
		}
		size, off := int64(binary.BigEndian.Uint64(left[8:])), int64(binary.BigEndian.Uint64(left[24:]))
		if size < 68 || size > int64(len(left)) || off < 68 || off >= size {
			return 0, fmt.Errorf("chunk at %d: size %d, metadata at %d", at, size, off)
		}
		n, k := binary.Uvarint(left[off:size])
		if k <= 0 {
			return 0, fmt.Errorf("chunk at %d: no metadata at %d", at, off)
		}
		meta += int64(n)
		at += size
	}
	return float64(meta) / float64(len(data)), nil
}

type decoded struct {
	events, frames int64
	user, system   time.Duration
}

func decode(ctx context.Context, path string) (d decoded, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	user, system := cpu()
	_, err = jfr.Decode(ctx, f, jfr.Options{Events: []string{"jdk.ExecutionSample"}}, func(e *jfr.Event) error {
		d.events++
		if e.Stack != nil {
			d.frames += int64(len(e.Stack.Frames))
		}
		return nil
	})
	if err == nil && d.frames == 0 {
		err = errors.New("recording has no execution samples with stacks")
	}
	d.user, d.system = cpu()
	d.user -= user
	d.system -= system
	return d, err
}

// cpu is what this process has used so far, garbage collection included.
func cpu() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}

func printed(ctx context.Context, jdk, path string) (user, system time.Duration, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(jdk, "bin", "jfr"), "print", "--events", "jdk.ExecutionSample", path)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("jfr print: %w", err)
	}
	return cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime(), nil
}
