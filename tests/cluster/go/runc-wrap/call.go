package main

import "strings"

// call is what matters here of runc's command line.
type call struct{ command, bundle, process string }

// Global options of runc that take their value from the next argument.
var globalsWithValue = map[string]bool{"--root": true, "--log": true, "--log-format": true, "--criu": true, "--rootless": true}

func parse(args []string) call {
	asked := call{bundle: "."}
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(args[i], "=")
		isOption := strings.HasPrefix(name, "-")
		if asked.command == "" && !isOption {
			asked.command = name
			continue
		}
		target := asked.target(name)
		if target == nil && !(asked.command == "" && globalsWithValue[name]) {
			continue
		}
		if !inline && i+1 < len(args) {
			i++
			value = args[i]
		}
		if target != nil {
			*target = value
		}
	}
	return asked
}

// target is where the value of the command's option belongs, nil for the options that do not matter here.
func (c *call) target(option string) *string {
	switch {
	case c.command == "exec" && (option == "--process" || option == "-p"):
		return &c.process
	case c.command != "" && (option == "--bundle" || option == "-b"):
		return &c.bundle
	}
	return nil
}
