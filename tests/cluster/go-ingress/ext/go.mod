// Two empty types, as Traefik itself has them in a module that it does not publish.
module github.com/traefik/traefik/dynamic/ext

go 1.26.0
