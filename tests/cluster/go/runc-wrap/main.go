// Command runc-wrap stands in for runc on a machine whose capability bounding set is restricted, and changes nothing
// elsewhere. Before it becomes the real runc it rewrites what runc is asked for, so that it asks only for what this
// machine may give:
//
//   - capabilities outside the bounding set are dropped;
//   - without CAP_SYS_RESOURCE, an oomScoreAdj below our own is raised to it, rlimits above our hard limits are lowered.
//
// What runc is asked for is BUNDLE/config.json for create, run and restore, and the --process file for exec.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Where the real runc may be; $RUNC_WRAP_RUNC names another place.
var places = []string{"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc", "/usr/local/bin/runc"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-wrap:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if err := rewrite(parse(args)); err != nil {
		return err
	}
	runc, err := realRunc()
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

func rewrite(asked call) error {
	switch {
	case asked.command == "exec" && asked.process != "":
		return edit(asked.process, func(document map[string]any) map[string]any { return document })
	case asked.command == "create" || asked.command == "run" || asked.command == "restore":
		return edit(filepath.Join(asked.bundle, "config.json"), func(document map[string]any) map[string]any {
			process, _ := document["process"].(map[string]any)
			return process
		})
	}
	return nil
}

// edit bounds the process that find picks from the JSON document in file, in place; numbers stay as they are written.
func edit(file string, find func(map[string]any) map[string]any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	bound(find(document), limitsOfThisProcess())
	if content, err = json.Marshal(document); err != nil {
		return err
	}
	if err := os.WriteFile(file+".wrap", content, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".wrap", file)
}

func realRunc() (string, error) {
	me, err := os.Executable()
	if err != nil {
		return "", err
	}
	if me, err = filepath.EvalSymlinks(me); err != nil {
		return "", err
	}
	candidates := places
	if named := os.Getenv("RUNC_WRAP_RUNC"); named != "" {
		candidates = []string{named}
	}
	for _, candidate := range candidates {
		if path, err := filepath.EvalSymlinks(candidate); err == nil && path != me {
			return path, nil
		}
	}
	return "", errors.New("the real runc is in none of " + strings.Join(candidates, ", "))
}
