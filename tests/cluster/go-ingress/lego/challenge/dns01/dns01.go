package dns01

import (
	"strings"
	"time"
)

type Options struct{ RecursiveNameservers []string }

type Client struct{}

type Option func()

func NewClient(*Options) *Client                            { return nil }
func SetDefaultClient(*Client)                              {}
func CondOptions(bool, ...Option) Option                    { return nil }
func DisableAuthoritativeNssPropagationRequirement() Option { return nil }
func DisableRecursiveNSsPropagationRequirement() Option     { return nil }
func PropagationWait(time.Duration, bool) Option            { return nil }
func UnFqdn(name string) string                             { return strings.TrimSuffix(name, ".") }
