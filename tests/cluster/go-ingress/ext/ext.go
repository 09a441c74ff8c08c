// Package ext holds the two types that Traefik leaves open to extensions: empty here, as in Traefik itself.
package ext

// HTTP extends the configuration of HTTP.
type HTTP struct{}

// Router extends that of a router.
type Router struct{}
