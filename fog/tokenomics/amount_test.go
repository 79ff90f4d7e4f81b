package tokenomics_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]tokenomics.Amount{
		"0": 0, "-0": 0, "0.0": 0, "0e9": 0, "1": 1_000_000, "+1": 1_000_000, "-0.5": -500_000, "0.000001": 1, "1.000001": 1_000_001,
		"1.10000000000": 1_100_000, "2.5e3": 2_500_000_000, "1e-6": 1, "10e-7": 1, "1E+2": 100_000_000, "007": 7_000_000,
		"1000000000": tokenomics.MaxSupply, "-1000000000.000000": -tokenomics.MaxSupply, "1e9": tokenomics.MaxSupply,
		"1000000000000000e-6": tokenomics.MaxSupply, "123456789.987654": 123_456_789_987_654,
	} {
		got, err := tokenomics.ParseAmount(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseAmountRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "1 ", ".", ".5", "5.", "-", "+", "--1", "1e", "e1", "1e+", "1e1.5", "1e31", "1e-31", "1e99999999999", "NaN", "Inf",
		"-Infinity", "0x10", "1_000", "1,5", "٣", "1.0000001", "1e-7", "0.1e-6", "1000000000.000001", "-1000000001", "1e10", "9e30",
		"9223372036854775807", "9223372036854775808", "1\x00", strings.Repeat("9", 64), strings.Repeat("0", 65),
	} {
		_, err := tokenomics.ParseAmount(text)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "%q", text)
		require.Equal(t, "amount", fault.FieldOf(err))
		require.Less(t, len(fault.Detail(err)), 200)
	}
}

func TestAmountString(t *testing.T) {
	for amount, want := range map[tokenomics.Amount]string{
		0: "0", 1: "0.000001", -1: "-0.000001", 1_000_000: "1", 1_500_000: "1.5", -2_000_010: "-2.00001",
		tokenomics.MaxSupply: "1000000000", math.MinInt64: "-9223372036854.775808", math.MaxInt64: "9223372036854.775807",
	} {
		require.Equal(t, want, amount.String())
	}
}

func TestAmountArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := tokenomics.Amount(rapid.Int64().Draw(t, "a"))
		b := tokenomics.Amount(rapid.Int64().Draw(t, "b"))
		for _, c := range []struct {
			got  func() (tokenomics.Amount, error)
			want *big.Int
		}{
			{func() (tokenomics.Amount, error) { return a.Add(b) }, new(big.Int).Add(big.NewInt(int64(a)), big.NewInt(int64(b)))},
			{func() (tokenomics.Amount, error) { return a.Sub(b) }, new(big.Int).Sub(big.NewInt(int64(a)), big.NewInt(int64(b)))},
		} {
			fits := new(big.Int).Abs(c.want).Cmp(big.NewInt(int64(tokenomics.MaxSupply))) <= 0
			got, err := c.got()
			if fits != (err == nil) || fits && int64(got) != c.want.Int64() {
				t.Fatalf("%d and %d: %d, %v; exactly %s", a, b, got, err, c.want)
			}
		}
	})
	sum, err := tokenomics.MaxSupply.Add(0)
	require.NoError(t, err)
	require.Equal(t, tokenomics.MaxSupply, sum)
	_, err = tokenomics.MaxSupply.Add(1)
	require.Error(t, err)
}

func TestAmountJSON(t *testing.T) {
	var body struct{ A, B, C tokenomics.Amount }
	body.C = 7
	require.NoError(t, json.Unmarshal([]byte(`{"A": 1.25, "B": "0.000001", "C": null}`), &body))
	require.Equal(t, tokenomics.Amount(1_250_000), body.A)
	require.Equal(t, tokenomics.Amount(1), body.B)
	require.Equal(t, tokenomics.Amount(7), body.C)
	text, err := json.Marshal(body)
	require.NoError(t, err)
	require.Equal(t, `{"A":1.25,"B":0.000001,"C":0.000007}`, string(text))
	for _, bad := range []string{`"NaN"`, `NaN`, `""`, `"1 FOG"`, `true`, `[]`, `{}`, `1e400`, `0.1234567`, `"1e31"`, `12345678901234567890`} {
		require.Error(t, json.Unmarshal([]byte(bad), new(tokenomics.Amount)), bad)
		require.Error(t, new(tokenomics.Amount).UnmarshalJSON([]byte(bad)), bad)
	}
	require.Error(t, new(tokenomics.Amount).UnmarshalJSON([]byte(`+1`)), "not a JSON number")
	require.Error(t, new(tokenomics.Amount).UnmarshalJSON(nil))
}

// exact reads a decimal with arbitrary precision, as an oracle.
func exact(text string) *big.Rat {
	if strings.ContainsAny(text, "xX_/pPbBoO") {
		return nil
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return value.Mul(value, big.NewRat(int64(tokenomics.FOG), 1))
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{
		"0", "-1.5", "1e-6", "1000000000", "0.0000001", "NaN", "9e30", "1.e1", "+.5", "-0e-0", "00012.500", "1e+030", "\xff", "1E5",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := tokenomics.ParseAmount(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: kind %v", text, fault.KindOf(err))
			}
			return
		}
		if want := exact(text); want == nil || !want.IsInt() || want.Num().Cmp(big.NewInt(int64(amount))) != 0 {
			t.Fatalf("%q is read as %d base units, exactly %v", text, amount, want)
		}
		if amount > tokenomics.MaxSupply || amount < -tokenomics.MaxSupply {
			t.Fatalf("%q is beyond the supply", text)
		}
		again, err := tokenomics.ParseAmount(amount.String())
		if err != nil || again != amount {
			t.Fatalf("%q: %d is written as %s and read as %d, %v", text, amount, amount, again, err)
		}
	})
}

func FuzzAmountJSON(f *testing.F) {
	for _, seed := range []string{`1`, `"1.5"`, `-0.000001`, `null`, `"NaN"`, `"\u0031"`, `1e-7`, `{"a":1}`, `"`, `  1`, `1e999`, `+1`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var amount tokenomics.Amount
		if json.Unmarshal(data, &amount) != nil {
			return
		}
		text, err := json.Marshal(amount)
		if err != nil {
			t.Fatal(err)
		}
		var again tokenomics.Amount
		if err := json.Unmarshal(text, &again); err != nil || again != amount {
			t.Fatalf("%s -> %d -> %s -> %d, %v", data, amount, text, again, err)
		}
	})
}

func FuzzRequestJSON(f *testing.F) {
	for _, seed := range []string{
		`{"hold":{"id":"j","tenant":"default","payer":"operator","amount":1.5}}`,
		`{"capture":{"key":"k","hold":"j","to":[{"account":"d","amount":"0.5"}],"final":true}}`,
		`{"void":{"hold":"j"}}`, `{"transfer":{"key":"t","from":"operator","to":"d","amount":1}}`,
		`{"hold":{},"void":{}}`, `{}`, `{"transfer":{"key":"\u0000","from":"a","to":"b","amount":-1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var request tokenomics.Request
		if json.Unmarshal(data, &request) != nil {
			return
		}
		ledger, err := tokenomics.New(tokenomics.Config{})
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := ledger.Post(t.Context(), []tokenomics.Request{request, request})
		if err != nil || len(verdicts) != 2 {
			t.Fatalf("%s: %v %v", data, verdicts, err)
		}
		if verdicts[0] == nil && verdicts[1] != nil {
			t.Fatalf("%s: done once, then %v", data, verdicts[1])
		}
		if err := ledger.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
