// Command etcd is etcd's server. Its own main package lies in a module that "go build" refuses as a dependency.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
