package jvmtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// root is the top of the checkout: the directory with go.mod.
func root(t testing.TB) string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
	}
	t.Fatalf("no go.mod above the test (%v)", err)
	return ""
}

// ZooKeeper runs Debian's ZooKeeper and asks it things.
func ZooKeeper(t testing.TB, home string) *Program {
	const jar = "/usr/share/java/zookeeper.jar"
	if _, err := os.Stat(jar); err != nil {
		t.Fatalf("no ZooKeeper (%v): run `.ci/deps programs`", err)
	}
	dir, port := t.TempDir(), FreePort(t)
	cfg := filepath.Join(dir, "zoo.cfg")
	err := os.WriteFile(cfg, []byte(fmt.Sprintf("tickTime=2000\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n", dir, port)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// The daemon prints nothing: it is ready when it answers.
	cmd := exec.Command("sh", "-c", fmt.Sprintf("echo ready; exec %s/bin/java -cp %s:/usr/share/java/slf4j-simple.jar org.apache.zookeeper.server.quorum.QuorumPeerMain %s", home, jar, cfg))
	p := Start(t, cmd, "ready")
	Until(t, "ZooKeeper answers", time.Minute, func() bool { return strings.Contains(zkAsk(port, "srvr"), "Zookeeper version") })
	Load(t, func() { zkAsk(port, "mntr"); zkAsk(port, "dump") })
	return p
}

func zkAsk(port int, word string) string {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(c, word)
	b, _ := io.ReadAll(c)
	return string(b)
}

// Validator runs npm's vnu-jar, an HTML validator, as a service, and has
// it validate.
func Validator(t testing.TB, home string) *Program {
	jar := filepath.Join(root(t), "build/programs/node_modules/vnu-jar/build/dist/vnu.jar")
	if _, err := os.Stat(jar); err != nil {
		t.Fatalf("no vnu.jar (%v): run `.ci/deps programs`", err)
	}
	port := FreePort(t)
	cmd := exec.Command("sh", "-c", fmt.Sprintf("echo ready; exec %s/bin/java -Dnu.validator.servlet.bind-address=127.0.0.1 -cp %s nu.validator.servlet.Main %d", home, jar, port))
	p := Start(t, cmd, "ready")
	page := "<!doctype html><title>t</title>" + strings.Repeat("<p>one <b>two <i>three</b></i> <table><tr><td>x</table>\n", 300)
	ask := func() bool {
		r, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/?out=json", port), "text/html; charset=utf-8", strings.NewReader(page))
		if err != nil {
			return false
		}
		defer r.Body.Close()
		n, _ := io.Copy(io.Discard, r.Body)
		return r.StatusCode == 200 && n > 0
	}
	Until(t, "the validator answers", time.Minute, ask)
	Load(t, func() { ask() })
	return p
}
