// ACME: what Traefik names of it, and nothing that does it.
module github.com/go-acme/lego/v5

go 1.26.0
