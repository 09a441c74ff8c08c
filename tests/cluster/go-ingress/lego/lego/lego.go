package lego

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/go-acme/lego/v5/challenge/http01"
	"github.com/go-acme/lego/v5/challenge/tlsalpn01"
	"github.com/go-acme/lego/v5/registration"
)

const DirectoryURLLetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

var errWithout = errors.New("built without ACME")

type Config struct {
	CADirURL    string
	UserAgent   string
	Certificate struct{ Timeout time.Duration }
	HTTPClient  *http.Client
}

type Client struct {
	Challenge    challenges
	Certificate  certificates
	Registration registrations
}

type (
	challenges    struct{}
	certificates  struct{}
	registrations struct{}
)

func NewConfig(any) *Config                                 { return &Config{} }
func NewClient(*Config) (*Client, error)                    { return nil, errWithout }
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, errWithout }

func (challenges) SetDNS01Provider(challenge.Provider, ...dns01.Option) error   { return errWithout }
func (challenges) SetHTTP01Provider(challenge.Provider, ...http01.Option) error { return errWithout }
func (challenges) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.Option) error {
	return errWithout
}

func (certificates) Obtain(context.Context, certificate.ObtainRequest) (*certificate.Resource, error) {
	return nil, errWithout
}

func (certificates) Renew(context.Context, certificate.Resource, *certificate.RenewOptions) (*certificate.Resource, error) {
	return nil, errWithout
}

func (registrations) Register(context.Context, registration.RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, errWithout
}

func (registrations) RegisterWithExternalAccountBinding(context.Context, registration.RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, errWithout
}
