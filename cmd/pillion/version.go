package main

import "fmt"

// version is set when the binary is built.
var version = "dev"

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintln(p.out, "pillion", version)
	return err
}
