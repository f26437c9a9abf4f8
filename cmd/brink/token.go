package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"brink/runtime/auth"
	"brink/runtime/config"
)

// TokenOptions are the flags of `brink token`.
type TokenOptions struct {
	Project   config.Options
	Role      string        // "" is authenticated with a subject or email, else anon
	Subject   string        // user id
	Email     string        //
	Expires   time.Duration // from now; negative makes an expired token
	Algorithm string        // "", as the project's Auth signs, or HS256, ES256, RS256
}

var tokenAlgorithms = []string{"HS256", "ES256", "RS256"}

const tokenExamples = `Prints a token that the project's functions accept, made with the project's keys.

Examples:
  brink token
  brink token --sub 5a1c --email ada@example.com --exp 10m
  curl -H "Authorization: Bearer $(brink token)" http://127.0.0.1:54321/functions/v1/hello
  brink token --exp -1m                     an expired one, to test the refusal`

func tokenCommand(h handlers, o *IO) *cli.Command {
	const path = "brink token"
	return &cli.Command{
		Name: "token", Usage: "Print a JWT for trying functions that check one.", Description: tokenExamples,
		Flags: append([]cli.Flag{
			stringFlag("", "role", "`ROLE`role claim (default: authenticated with --sub or --email, else anon)"),
			stringFlag("", "sub", "`ID`the user's id (default: a random one)"),
			stringFlag("", "email", "`ADDRESS`the user's address"),
			&cli.DurationFlag{Name: "exp", Value: time.Hour, Usage: "`D`time until it expires, e.g. -1m (default: 1h)"},
			stringFlag("", "alg", "`A`HS256, ES256 or RS256 (default: as the project's Auth signs)"),
		}, projectFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArgs(c, path); err != nil {
				return err
			}
			if err := oneOf(path, c, "alg", tokenAlgorithms); err != nil {
				return err
			}
			return h.token(c.Context, readTokenOptions(c, o), o)
		},
	}
}

func readTokenOptions(c *cli.Context, o *IO) TokenOptions {
	opts := TokenOptions{
		Project: projectOptions(c, o),
		Role:    c.String("role"), Subject: c.String("sub"), Email: c.String("email"),
		Expires: c.Duration("exp"), Algorithm: c.String("alg"),
	}
	if opts.Role == "" {
		opts.Role = "anon"
		if opts.Subject+opts.Email != "" {
			opts.Role = "authenticated"
		}
	}
	return opts
}

// token prints a token made with the project's keys.
func token(ctx context.Context, opts TokenOptions, o *IO) error {
	opts.Project.AllowEmpty = true
	cfg, err := config.Load(opts.Project)
	if err != nil {
		return err
	}
	authOpts := authOptions(cfg)
	authOpts.ThirdPartyIssuer = "" // whose keys only verify
	keys, err := auth.New(ctx, authOpts)
	if err != nil {
		return fmt.Errorf("cannot read the project's keys: %w", err)
	}
	jwt, err := keys.Mint(auth.MintOptions{
		Role: opts.Role, Subject: opts.Subject, Email: opts.Email,
		Expiry: opts.Expires, Algorithm: opts.Algorithm,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.Stdout, jwt)
	return err
}

// authOptions are the keys that cfg says.
func authOptions(cfg *config.Config) auth.Options {
	opts := auth.Options{
		JWTSecret: cfg.Auth.JWTSecret, AnonKey: cfg.Auth.AnonKey, ServiceRoleKey: cfg.Auth.ServiceRoleKey,
		PublishableKey: cfg.Auth.PublishableKey, SecretKey: cfg.Auth.SecretKey,
		SigningKeysPath: cfg.Auth.SigningKeysPath,
		Issuer:          cfg.Auth.JWTIssuer, Expiry: cfg.Auth.JWTExpiry,
	}
	if len(cfg.Auth.ThirdParty) > 0 {
		opts.ThirdPartyIssuer = cfg.Auth.ThirdParty[0].Issuer
	}
	if opts.Issuer == "" {
		opts.Issuer = fmt.Sprintf("http://127.0.0.1:%d/auth/v1", cfg.Port)
	}
	return opts
}
