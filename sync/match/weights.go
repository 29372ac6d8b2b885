package match

import (
	_ "embed" // the weights are data
	"encoding/json"
	"fmt"
	"slices"
)

// Weights say what each level of each field is worth in bits: how much
// likelier it makes that an account is the lead's rather than another or none.
type Weights struct {
	Version string            `json:"version"`
	Forms   int               `json:"forms"`  // the FormsVersion they were estimated under
	Auto    float64           `json:"auto"`   // bits of certainty from which an account is taken
	Domain  float64           `json:"domain"` // the same where the account has the lead's domain
	Margin  float64           `json:"margin"`
	Review  float64           `json:"review"` // bits of certainty from which a person looks
	Fields  map[string]Levels `json:"fields"`
	table   [fields][]float64
}

// Levels are a field's levels with their bits.
type Levels map[string]float64

//go:embed weights.json
var shipped []byte

// Shipped are the weights that come with the program.
func Shipped() (Weights, error) { return ReadWeights(shipped) }

// ReadWeights reads weights as they are written by WriteWeights. A field or
// level that is not known is an error, one that is missing is worth nothing.
func ReadWeights(data []byte) (Weights, error) {
	var w Weights
	if err := json.Unmarshal(data, &w); err != nil {
		return Weights{}, fmt.Errorf("read the weights: %w", err)
	}
	if w.Forms != FormsVersion {
		return Weights{}, fmt.Errorf("the weights were estimated under forms %d, these are forms %d", w.Forms, FormsVersion)
	}
	for i, f := range fieldLevels {
		w.table[i] = make([]float64, len(f.levels))
		for j, l := range f.levels {
			w.table[i][j] = w.Fields[f.name][l]
		}
	}
	for name, levels := range w.Fields {
		i := slices.IndexFunc(fieldLevels[:], func(f field) bool { return f.name == name })
		if i < 0 {
			return Weights{}, fmt.Errorf("the weights name %q, which is not compared", name)
		}
		for l := range levels {
			if !slices.Contains(fieldLevels[i].levels, l) {
				return Weights{}, fmt.Errorf("the weights name the level %q of %q, which there is not", l, name)
			}
		}
	}
	return w, nil
}

// WriteWeights is the text that ReadWeights reads; levels worth nothing are
// left out.
func WriteWeights(w Weights) ([]byte, error) {
	w.Forms = FormsVersion
	w.Fields = map[string]Levels{}
	for i, f := range fieldLevels {
		for j, l := range f.levels {
			if b := round(w.table[i][j]); b != 0 {
				if w.Fields[f.name] == nil {
					w.Fields[f.name] = Levels{}
				}
				w.Fields[f.name][l] = b
			}
		}
	}
	out, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the weights: %w", err)
	}
	return append(out, '\n'), nil
}

func (w *Weights) worth(l levels) float64 {
	sum := 0.0
	for i := range l {
		sum += w.table[i][l[i]]
	}
	return sum
}
