package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// start is the time of every test's clock.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a settable time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newKeys(t testing.TB, options Options) *Keys {
	t.Helper()
	if options.Now == nil {
		options.Now = newClock().Now
	}
	k, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mint(t testing.TB, k *Keys, options MintOptions) string {
	t.Helper()
	token, err := k.Mint(options)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The tests sign with the standard library, so that a fault shared by signing
// and verifying would show.

func b64(content []byte) string { return base64.RawURLEncoding.EncodeToString(content) }

func signHMAC(header, payload, secret string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

func signKey(t testing.TB, header, payload string, key crypto.Signer) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		var err error
		if signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
			t.Fatal(err)
		}
	}
	return input + "." + b64(signature)
}

func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func coordinate(n *big.Int) string { return b64(n.FillBytes(make([]byte, 32))) }

// jwkOf writes a JWK with the members given, private unless public is set.
func jwkOf(t testing.TB, key crypto.Signer, public bool, members map[string]any) string {
	t.Helper()
	jwk := map[string]any{}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		jwk["kty"], jwk["crv"], jwk["alg"] = "EC", "P-256", ES256
		jwk["x"], jwk["y"] = b64(point[1:33]), b64(point[33:])
		if !public {
			d, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			jwk["d"] = coordinate(new(big.Int).SetBytes(d))
		}
	case *rsa.PrivateKey:
		jwk["kty"], jwk["alg"] = "RSA", RS256
		jwk["n"], jwk["e"] = b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes())
		if !public {
			key.Precompute()
			jwk["d"] = b64(key.D.Bytes())
			jwk["p"], jwk["q"] = b64(key.Primes[0].Bytes()), b64(key.Primes[1].Bytes())
			jwk["dp"], jwk["dq"] = b64(key.Precomputed.Dp.Bytes()), b64(key.Precomputed.Dq.Bytes())
			jwk["qi"] = b64(key.Precomputed.Qinv.Bytes())
		}
	}
	for name, value := range members {
		if value == nil {
			delete(jwk, name)
			continue
		}
		jwk[name] = value
	}
	content, err := json.Marshal(jwk)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func signingKeysFile(t testing.TB, keys ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signing_keys.json")
	if err := os.WriteFile(path, []byte("["+strings.Join(keys, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func in(d time.Duration) int64 { return start.Add(d).Unix() }

func userClaims(extra string) string {
	return fmt.Sprintf(`{"sub":"u1","role":"authenticated","exp":%d%s}`, in(time.Hour), extra)
}
