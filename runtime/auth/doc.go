// Package auth owns the tokens and keys of one project: which token a request
// carries, whether it is valid, why it is not, and how to mint one. Its
// answers, texts and codes are those of the newest local Supabase stack.
//
// It never serves HTTP (that is gateway's) and decides nothing about a
// function: whether a function is checked at all is the caller's business. No
// text it hands out holds a token or a secret.
//
// Read [Keys] first: [New] makes it from the project's settings,
// [Keys.Verify] judges a request, and a [Refusal] says what the caller gets
// and what the terminal shows. HS256 is verified with the JWT secret and with
// nothing else; ES256 and RS256 with public keys and with nothing else; every
// other algorithm is refused.
package auth
