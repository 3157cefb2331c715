package collector

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed src
var sources embed.FS

// ErrNoJDK says that the story cannot be compiled on this machine.
var ErrNoJDK = errors.New("no Java development kit (17 or later): install openjdk-17-jdk-headless or set JAVA_HOME")

// findJDK finds java and the javac that belongs to it.
func findJDK(java string) (string, string, error) {
	if home := os.Getenv("JAVA_HOME"); java == "" && home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	if java == "" {
		java = "java"
	}
	path, err := exec.LookPath(java)
	if err != nil {
		return "", "", fmt.Errorf("find %s: %w", java, errors.Join(ErrNoJDK, err))
	}
	// /usr/bin/java is a chain of links into the kit; a runtime has no javac beside it.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		if javac, err := exec.LookPath(filepath.Join(filepath.Dir(real), "javac")); err == nil {
			return path, javac, nil
		}
	}
	if javac, err := exec.LookPath("javac"); err == nil {
		return path, javac, nil
	}
	return "", "", fmt.Errorf("find javac for %s: %w", path, ErrNoJDK)
}

// compile compiles the embedded sources into dir/classes and returns that.
func compile(ctx context.Context, javac, dir string) (string, error) {
	src, classes := filepath.Join(dir, "src"), filepath.Join(dir, "classes")
	args := []string{"--release", "17", "-g", "-proc:none", "-encoding", "UTF-8", "-d", classes}
	err := fs.WalkDir(sources, "src", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if e.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		args = append(args, to)
		b, err := sources.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	})
	if err != nil {
		return "", fmt.Errorf("write the collector's sources: %w", err)
	}
	if out, err := exec.CommandContext(ctx, javac, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the collector with %s: %w\n%s", javac, err, out)
	}
	if err := os.RemoveAll(src); err != nil {
		return "", fmt.Errorf("remove the collector's sources: %w", err)
	}
	return classes, nil
}
